// What OPA knows and this evaluator does not do: refused by name, with the reason.

const network = 'it reaches the network';
const random = 'it is not deterministic';
const tokens = 'JSON Web Tokens are outside this subset';
const certificates = 'certificates and keys are outside this subset';
const schemas = 'JSON Schema is outside this subset';
const graphql = 'GraphQL is outside this subset';
const reflection = 'it reads the policy itself';

const because = (reason: string, ...names: string[]): [string, string][] => names.map((name) => [name, reason]);

const jwtAlgorithms = ['eddsa', 'es256', 'es384', 'es512', 'hs256', 'hs384', 'hs512'].concat([
	'ps256',
	'ps384',
	'ps512',
	'rs256',
	'rs384',
	'rs512',
]);

/** Name to reason: a sentence's end after "NAME is refused: ". */
export const refusedBuiltins: ReadonlyMap<string, string> = new Map([
	...because(network, 'http.send', 'net.lookup_ip_addr'),
	...because('it reads the environment of the machine', 'opa.runtime'),
	...because(random, 'rand.intn', 'uuid.rfc4122'),
	...because('it signs requests with secrets', 'providers.aws.sign_req'),
	...because(reflection, 'rego.metadata.chain', 'rego.metadata.rule', 'rego.parse_module'),
	...because(tokens, 'io.jwt.decode', 'io.jwt.decode_verify', 'io.jwt.encode_sign', 'io.jwt.encode_sign_raw'),
	...because(tokens, ...jwtAlgorithms.map((algorithm) => `io.jwt.verify_${algorithm}`)),
	...because(
		certificates,
		'crypto.parse_private_keys',
		'crypto.x509.parse_and_verify_certificates',
		'crypto.x509.parse_and_verify_certificates_with_options',
		'crypto.x509.parse_certificate_request',
		'crypto.x509.parse_certificates',
		'crypto.x509.parse_keypair',
		'crypto.x509.parse_rsa_private_key',
	),
	...because('Go templates are outside this subset', 'strings.render_template'),
	...because(schemas, 'json.match_schema', 'json.verify_schema'),
	...because(
		graphql,
		'graphql.is_valid',
		'graphql.parse',
		'graphql.parse_and_verify',
		'graphql.parse_query',
		'graphql.parse_schema',
		'graphql.schema_is_valid',
	),
]);
