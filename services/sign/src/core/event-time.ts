/** RFC 3339 with microseconds of an event time (microseconds since 1970); clamped to the years 1970 to 2255. */
export function rfc3339(timeUs: number): string {
	const us = Math.min(Math.max(Math.trunc(timeUs), 0), Number.MAX_SAFE_INTEGER);
	const ms = Math.trunc(us / 1000);
	const text = new Date(ms).toISOString();
	return `${text.slice(0, -1)}${String(us - ms * 1000).padStart(3, '0')}Z`;
}
