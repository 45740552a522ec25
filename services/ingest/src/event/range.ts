// Bounds of the schema's and the sensor's integers.

export const maxUint32 = 4294967295;
export const minInt32 = -2147483648;
export const maxInt32 = 2147483647;
export const maxPort = 65535;

/** The schema's uid is an Avro int; ids above it (4294967295 is "no id") count as not told. */
export const knownUid = (uid: number): number => (uid > maxInt32 ? -1 : uid);

/** The schema's status is an Avro int; the sensor's is a uint32. */
export const exitStatus = (status: number): number => status | 0;
