// Of which kinds the operands and results of built-ins are; OPA's capabilities say it in full (element types too).

/** One letter each: null z, boolean b, number n, string s, array a, object o, set S; * is any. */
export type Kinds = string;

export interface Signature {
	operands: Kinds[];
	result: Kinds;
}

const signatures: readonly [signature: string, names: string][] = [
	['* * * > b', 'internal.member_3'],
	['* * > b', 'equal gt gte internal.member_2 lt lte neq'],
	['* > S', 'cast_set'],
	['* > a', 'cast_array'],
	['* > b', 'cast_boolean is_array is_boolean is_null is_number is_object is_set is_string semver.is_valid'],
	['* > o', 'cast_object'],
	['* > s', 'cast_string json.marshal type_name yaml.marshal'],
	['* > z', 'cast_null'],
	['* a > *', 'json.patch'],
	['* o > s', 'json.marshal_with_options'],
	['> n', 'time.now_ns'],
	['S > S', 'intersection union'],
	['S S > S', 'and or set_diff'],
	['Sa > *', 'max min'],
	['Sa > S', 'net.cidr_merge'],
	['Sa > a', 'sort'],
	['Sa > b', 'all any'],
	['Sa > n', 'product sum'],
	['Sao Sao > b', 'object.subset'],
	['Saos > n', 'count'],
	['Saos Saos > S', 'net.cidr_contains_matches'],
	['Sas Sas > b', 'strings.any_prefix_match strings.any_suffix_match'],
	['Sn Sn > Sn', 'minus'],
	['a > a', 'array.flatten array.reverse'],
	['a > o', 'object.union_n'],
	['a a > a', 'array.concat'],
	['a n n > a', 'array.slice'],
	['an > a', 'time.clock time.date'],
	['an > s', 'time.format time.weekday'],
	['an an > a', 'time.diff'],
	['bnsz > n', 'to_number'],
	['n > n', 'abs bits.negate ceil floor round'],
	['n n > a', 'numbers.range'],
	['n n > n', 'bits.and bits.lsh bits.or bits.rsh bits.xor div mul plus rem'],
	['n n > s', 'format_int'],
	['n n n > a', 'numbers.range_step'],
	['n n n n > n', 'time.add_date'],
	['o * * > *', 'object.get'],
	['o > S', 'object.keys'],
	['o > s', 'urlquery.encode_object'],
	['o Sa > S', 'graph.reachable graph.reachable_paths'],
	['o Sa > o', 'json.filter json.remove'],
	['o Sao > o', 'object.filter object.remove'],
	['o o > o', 'object.union'],
	['o s > s', 'strings.replace_n'],
	['s > *', 'json.unmarshal yaml.unmarshal'],
	['s > S', 'net.cidr_expand'],
	['s > b', 'base64.is_valid json.is_valid net.cidr_is_valid regex.is_valid trace uri.is_valid yaml.is_valid'],
	['s > n', 'time.parse_duration_ns time.parse_rfc3339_ns units.parse units.parse_bytes'],
	['s > o', 'uri.parse urlquery.decode_object uuid.parse'],
	[
		's > s',
		'base64.decode base64.encode base64url.decode base64url.encode base64url.encode_no_pad crypto.md5 crypto.sha1 crypto.sha256 glob.quote_meta hex.decode hex.encode lower strings.reverse trim_space upper urlquery.decode urlquery.encode',
	],
	['s Sa > s', 'concat'],
	['s a > s', 'sprintf'],
	['s az s > b', 'glob.match'],
	['s n n > s', 'substring'],
	['s o > s', 'strings.render_template'],
	['s s > a', 'indexof_n regex.split split'],
	[
		's s > b',
		'contains crypto.hmac.equal endswith net.cidr_contains net.cidr_intersects net.cidr_overlap re_match regex.globs_match regex.match startswith',
	],
	['s s > n', 'indexof semver.compare strings.count time.parse_ns'],
	[
		's s > s',
		'crypto.hmac.md5 crypto.hmac.sha1 crypto.hmac.sha256 crypto.hmac.sha512 trim trim_left trim_prefix trim_right trim_suffix',
	],
	['s s n > a', 'regex.find_all_string_submatch_n regex.find_n strings.split_n'],
	['s s s > s', 'regex.replace replace'],
	['s s s s > b', 'regex.template_match'],
];

/** Not of those that take anything. */
export const signatureOf: ReadonlyMap<string, Signature> = new Map(
	signatures.flatMap(([signature, names]) => {
		const [operands = '', result = '*'] = signature.split('> ');
		return names.split(' ').map((name) => [name, { operands: operands.trim().split(' '), result }] as const);
	}),
);
