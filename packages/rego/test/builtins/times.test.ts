import { nowNs, testAnswers } from './calling.ts';

/** 2023-11-14T22:13:20.123456789Z */
const moment = nowNs;

testAnswers('time.now_ns', [[[], moment]]);
testAnswers('time.parse_rfc3339_ns', [
	[['2023-11-14T23:13:20.123456789+01:00'], moment],
	[['2020-02-30T00:00:00Z'], { error: 'parsing time "2020-02-30T00:00:00Z": day out of range' }],
	[['1600-01-01T00:00:00Z'], { error: 'time outside of valid range' }],
	[['1970-01-01T00:00:00Z'], 0],
]);
testAnswers('time.parse_ns', [
	[['2006-01-02', '2023-11-14'], 1_699_920_000_000_000_000n],
	[['RFC1123Z', 'Tue, 14 Nov 2023 22:13:20 +0000'], 1_700_000_000_000_000_000n],
	[['3:04PM 2006', '12:30AM 1970'], 1_800_000_000_000],
	[['2006 002', '1970 032'], 2_678_400_000_000_000],
	[['2006-01-02', '2023-1-2'], { error: 'parsing time "2023-1-2" as "2006-01-02" as "01": cannot parse "1-2"' }],
	[['2006', '2023x'], { error: 'parsing time "2023x": extra text: "x"' }],
]);
testAnswers('time.parse_duration_ns', [
	[['1h15m30.5s'], 4_530_500_000_000],
	[['-1.5µs'], -1500],
	[['1d1w'], 691_200_000_000_000],
	[['1'], { error: 'time: missing unit in duration "1"' }],
	[['300y'], { error: 'time: invalid duration "300y"' }],
]);
testAnswers('time.date', [
	[[moment], [2023, 11, 14]],
	[[[moment, 'Asia/Tokyo']], [2023, 11, 15]],
	[[[moment, 'Nope/Zone']], { error: 'unknown time zone Nope/Zone' }],
	[['x'], { error: 'operand 1 must be either number (ns) or [number (ns), string (tz)] but got string' }],
	[[1.5], { error: 'timestamp too big' }],
]);
testAnswers('time.clock', [
	[[[moment, 'America/New_York']], [17, 13, 20]],
	[[-1], [23, 59, 59]],
]);
testAnswers('time.weekday', [[[moment], 'Tuesday']]);
testAnswers('time.format', [
	[[moment], '2023-11-14T22:13:20.123456789Z'],
	[[[moment, 'Europe/Berlin', 'Mon, 2 Jan 2006 15:04:05.00 -0700 MST']], 'Tue, 14 Nov 2023 23:13:20.12 +0100 CET'],
	[[[moment, '', 'RFC822Z']], '14 Nov 23 22:13 +0000'],
]);
testAnswers('time.add_date', [
	[[1_709_164_800_000_000_000n, 1, 0, 0], 1_740_787_200_000_000_000n],
	// Over the change to summer time, the clock's reading stays.
	[[[1_711_800_000_000_000_000n, 'Europe/Berlin'], 0, 0, 1], 1_711_882_800_000_000_000n],
	[[0, 1_000_000_000, 0, 0], { error: 'time outside of valid range' }],
]);
testAnswers('time.diff', [
	[
		[1_709_164_800_000_000_000n, 1_740_787_200_000_000_000n],
		[1, 0, 1, 0, 0, 0],
	],
	[
		[0, 90_061_000_000_000],
		[0, 0, 1, 1, 1, 1],
	],
]);
