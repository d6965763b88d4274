/** Complete credentials for the reference. The keys were made for it and open nothing. */
export const CREDENTIAL_EXAMPLES = {
  apns: {
    teamId: 'TEAM123456',
    keyId: 'KEY1234567',
    privateKey: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgk7fZYhv8NK0uWdtj
NaOEQskr4ZtphzbHh6ntQnEOydChRANCAAQSEKqFO53okOBXQ/KqQOH9JwExfbL0
jfGiCAmlK4Ss8d/OU3SFJjFMW3/59QXaHViRhD4DB+O+40fKNw55rYmU
-----END PRIVATE KEY-----
`,
    topic: 'com.example.shop',
  },
  fcm: {
    project_id: 'shop-example',
    client_email: 'push@shop-example.iam.gserviceaccount.com',
    private_key: `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDfby/s0VRN6I5T
HagclJTc8ndeb53miypVSSlrw9RdnJt6hiISR/4IUESIp0x1TulS8GKli3rtl0sb
VUQiepxOulYhQu0ZPtznp2YuCPdokWqcyLBnVm5nD0dJRm4AJv1X5K9yAJbboZub
K7bXA/CauLyb7HbB7Tueb/eiXEd6DA62FFkHQ8skzxLJPazh3EhTKJYcrlkz9ox0
Hctieo9Y52Sq3SRF3x97ZdM9wWrwSQtjBX4QEhzI2An6afOqmUhm5ySDeVqzoYl1
wmkVLq8HlKQ+E4ZUMhw5XkifYIMgTk7FqzxcP4YFNS2PxCRtgB21r2ZjS4AVWr7m
wUB30jXJAgMBAAECggEAUsjFfv8IN12E7jK8yOocRcjohWrhnDvP0Y2r9Su3kX+m
87yi/xcBfl8PJXqnD4fPV1WNlzyYrVMzFst+1S+MnnbX1rcPVh0+h+40I7ZaxLms
QK7y/Ta+7RxyEyovM4s+rsQiZSDmxDWai+GkewIQsaLk7vir/6pAPrHJlLSQHx2L
SBx27kXL6sTfECRMYMeB8Ttc5A9zES0CYmufa3UhJwRu0LwhOUp1k55L3OfNiUT1
FDxOfPYDAf2Jbi1Q7a8t00nWULHvuBir0xKJJw/hsFWPQszoBjSOmQYlzZ+iFZdQ
/aofkolM2rn9JoUtjspW1FnQeQJm17eQLEMcZ5DMCQKBgQD0pfb6HX4r/0omjET6
lvLrlidRacqShybH/WivS/PLkifShY75HKHoCZu9sM7teFIGLOYhRMGmARANY7En
vxbLQMaHIp8x/AZOsvZLYAIboBfgDKTvAhMJvgT9FWB5y7icLRcLWYP9Hu+/ivqT
0cY/xf6XmDZiPpb0teVb7fi3fwKBgQDpzTvkRYzAehXNt3bd+HfZ2jHZJbfdMBbv
lvfjsZrlIdenAhUciKea8k6s/uBJ4cnJwjNSqOW6p6Qa6a+MpxX81pid8SjDAAKX
hOLi10z/XDGEJwOStmCON2c5UtM7kH7Ff9rWD8Z8Dt+GQwHnm5RcFYLquRZXUSQm
7VRTls32twKBgCguih4ScgKv73HdYAb4e/WNt+97PLZMVGZMjMEd7HDnFHtTTGRF
+6Gs0lOZkqMWPAKfpTyZmmS1j/ljAlnQ3OGNRg4z9Ym0JyUN574BitcWuFUoPn6z
DIVxHEilFi9q8mtUTJCkpzUPu7juDrHwpmsbDfHAIk6IkSqoJX+v2kXpAoGAXv+S
V1VfNJImq9jhBp4/7Jf46zelNs2kdCOOg8kVnAadPnHdLCPmnlHYX/iMH9kLidxL
yElyVt5pErpjJy55A6wahQqJOnqVkwVevzcmRRgr0nubuxA5uW+PlL4vsCMtL4ic
3Z+5UY0li8NMUdRoeuYOtNsR1dbVbq++NNywwY8CgYEA36v4n12cdIZgyhO/mYhR
v8puGaArrYHsMBtN3uMTQYhxRO+v9V9qeZ0j6P3FKek/q1xAsb+9sQv5V3efy1bw
STpVr71jUlHkQSo+TlucX4cES47NNp9xXS4mStBfEcqsyNgp0T1D1BMGFs+Qvr3W
DartfIs37odymLz9K8ayLj0=
-----END PRIVATE KEY-----
`,
  },
} as const;
