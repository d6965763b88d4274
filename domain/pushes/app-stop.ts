/** Why a push paused that met the emergency stop of its app. */
export const APP_STOPPED = 'the app is stopped';
