/** The version of both halves; a test compares it with that of the Python package. */
export const VERSION = '0.1.0';
export const CLIENT = `cell-monitor-lab/${VERSION}`;
