/** The reason of a push that paused because of the emergency stop of its app. */
export const APP_STOPPED = 'the app is stopped';
