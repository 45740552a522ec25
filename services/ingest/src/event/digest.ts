const form = /^sha256:([0-9a-f]{64})$/;

/** sha256 in hex of an ima_hash; '' for any other algorithm or form. */
export const digestOf = (imaHash: string): string => form.exec(imaHash)?.[1] ?? '';

/** Length of an ima_hash that is a sha256, and where its hex digits begin. */
export const imaHashLength = 71;
export const imaHexStart = 7;
