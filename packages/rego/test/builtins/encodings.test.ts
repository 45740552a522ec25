import { testAnswers } from './calling.ts';

testAnswers('base64.encode', [[['é'], 'w6k=']]);
testAnswers('base64.decode', [
	[['aGk='], 'hi'],
	[['aGk'], { error: 'illegal base64 data at input byte 3' }],
]);
testAnswers('base64.is_valid', [
	[['aGk=\n'], true],
	[['a_k='], false],
]);
testAnswers('base64url.encode', [[['??>'], 'Pz8-']]);
testAnswers('base64url.encode_no_pad', [[['a'], 'YQ']]);
testAnswers('base64url.decode', [
	[['YQ'], 'a'],
	[['YQ=='], 'a'],
	[['Y'], { error: 'illegal base64url string: Y' }],
]);
testAnswers('hex.encode', [[['é'], 'c3a9']]);
testAnswers('hex.decode', [
	[['6869'], 'hi'],
	[['686'], { error: 'encoding/hex: odd length hex string' }],
	[['6x'], { error: "encoding/hex: invalid byte: U+0078 'x'" }],
]);
testAnswers('urlquery.encode', [[["a b+c&é!'"], 'a+b%2Bc%26%C3%A9%21%27']]);
testAnswers('urlquery.decode', [
	[['a+b%C3%A9'], 'a bé'],
	[['%zz'], { error: 'invalid URL escape "%zz"' }],
]);
testAnswers('urlquery.encode_object', [[[{ b: ['x', 'y'], a: '1 2' }], 'a=1+2&b=x&b=y']]);
testAnswers('urlquery.decode_object', [
	[['a=1&b=%20&a=2&__proto__'], { a: ['1', '2'], b: [' '], ['__proto__']: [''] }],
]);
testAnswers('crypto.md5', [[['a'], '0cc175b9c0f1b6a831c399e269772661']]);
testAnswers('crypto.sha1', [[['a'], '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8']]);
testAnswers('crypto.sha256', [[[''], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']]);
testAnswers('crypto.hmac.sha256', [
	[
		['The quick brown fox jumps over the lazy dog', 'key'],
		'f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8',
	],
]);
testAnswers('crypto.hmac.equal', [
	[['a', 'a'], true],
	[['a', 'ab'], false],
]);
testAnswers('semver.compare', [
	[['1.2.3', '1.2.3-rc.1'], 1],
	[['1.0.0-alpha.9', '1.0.0-alpha.10'], -1],
	[['v1.0.0+a', '1.0.0+b'], 0],
	[['1.0', '1.0.0'], { error: 'operand 1: string 1.0 is not a valid SemVer' }],
]);
testAnswers('semver.is_valid', [
	[['01.2.3'], false],
	[['1.2.3-'], false],
	[[1], false],
]);
testAnswers('uuid.parse', [
	[
		['6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
		{
			clocksequence: 180,
			macvariables: 'global:unicast',
			nodeid: '00-c0-4f-d4-30-c8',
			time: 886_630_433_151_182_400n,
			variant: 'RFC4122',
			version: 1,
		},
	],
	[['no'], undefined],
]);
testAnswers('uri.parse', [
	[
		['HTTPS://u:p@[::1]:8080/a%2Fb?q=1#f%20g'],
		{
			scheme: 'https',
			hostname: '::1',
			port: '8080',
			path: '/a/b',
			raw_path: '/a%2Fb',
			raw_query: 'q=1',
			fragment: 'f g',
		},
	],
	[['mailto:a@b'], { scheme: 'mailto' }],
]);
testAnswers('uri.is_valid', [
	[['http://a b/'], false],
	[[''], false],
]);
testAnswers('net.cidr_contains', [
	[['10.0.0.0/8', '10.255.0.1'], true],
	[['10.0.0.0/8', '::ffff:10.0.0.1'], true],
	[['10.0.0.0/8', '10.0.0.0/7'], false],
	[['::/80', '::/80'], true],
	[['10.0.0.0', '10.0.0.1'], { error: 'invalid CIDR address: 10.0.0.0' }],
	[['010.0.0.0/8', '10.0.0.1'], { error: 'invalid CIDR address: 010.0.0.0/8' }],
]);
testAnswers('net.cidr_intersects', [[['10.0.0.0/8', '10.1.0.0/16'], true]]);
testAnswers('net.cidr_is_valid', [
	[['fe80::1%eth0/64'], false],
	[['2001:db8::/32'], true],
]);
