/** RFC 3339 text with microseconds of an event time; empty for an unknown one (below 0 or beyond what a date can hold). */
export function timeText(timeUs: number): string {
	const date = new Date(Math.floor(timeUs / 1000));
	if (timeUs < 0 || Number.isNaN(date.getTime())) return '';
	return `${date.toISOString().slice(0, -1)}${String(timeUs % 1000).padStart(3, '0')}Z`;
}
