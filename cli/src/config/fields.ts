// What the sections of the configuration's schema are made of.
import { z } from 'zod';

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const mib = 1024 * 1024;
export const gib = 1024 * mib;

/** Marks a value that names a file or folder: a relative one counts from the configuration file that holds it, else from the working directory. */
export const pathMeta = { path: true } as const;
/** Marks a value that may hold a credential: shown masked. */
export const secretMeta = { secret: 'url' } as const;
/** A webhook's path is often its password. */
export const secretPathMeta = { secret: 'url-path' } as const;

export const text = z.string().min(1).max(4096);
export const environmentName = z
	.string()
	.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'expected the name of an environment variable');
export const bytes = (max: number) => z.int().min(1024).max(max);
export const httpUrl = () => z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).max(4096);

/** A file or folder; null where it is not given. */
export const optionalPath = (description: string) =>
	text
		.nullable()
		.default(null)
		.meta({ ...pathMeta, description });

const endpointPattern = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?):([0-9]{1,5})$/;

function isEndpoint(value: string): boolean {
	const port = Number(endpointPattern.exec(value)?.[3] ?? 0);
	return port >= 1 && port <= 65_535;
}

/** HOST:PORT of several servers. */
export const endpoints = (description: string) =>
	z
		.array(z.string().max(300).refine(isEndpoint, 'expected HOST:PORT, an IPv6 address in brackets'))
		.max(100)
		.default([])
		.meta({ description });

/** Credentials in a URL would be seen wherever the URL is. */
export function hasCredentials(url: string): boolean {
	try {
		const { username, password } = new URL(url);
		return username !== '' || password !== '';
	} catch {
		return false;
	}
}

const passwordFields = (of: string) => ({
	passwordFile: text.optional().meta({ ...pathMeta, description: `File that holds the password for ${of}.` }),
	passwordEnv: environmentName
		.optional()
		.meta({ description: `Environment variable that holds the password for ${of}.` }),
});

/** A user and where the password is: never the password itself. */
export const credentialFields = (of: string) => ({
	username: z
		.string()
		.min(1)
		.max(255)
		.optional()
		.meta({ description: `User name at ${of}.` }),
	...passwordFields(of),
});

export interface CredentialValues {
	username?: string | undefined;
	passwordFile?: string | undefined;
	passwordEnv?: string | undefined;
}

type Problem = (key: string, message: string) => void;

/** For superRefine: an issue at `key`. */
export const problemAt =
	(context: z.RefinementCtx<unknown>): Problem =>
	(key, message) =>
		context.addIssue({ code: 'custom', path: key.split('.'), message });

/** At most one place of the password, and none without a user where a user is needed. */
export function checkPassword(section: string, value: CredentialValues, problem: Problem, userNeeded: boolean): void {
	const given = value.passwordFile !== undefined || value.passwordEnv !== undefined;
	if (value.passwordFile !== undefined && value.passwordEnv !== undefined)
		problem('passwordFile', `expected at most one of ${section}.passwordFile and ${section}.passwordEnv`);
	if (value.username !== undefined && !given)
		problem('username', `expected ${section}.passwordFile or ${section}.passwordEnv beside ${section}.username`);
	if (userNeeded && given && value.username === undefined)
		problem('username', `expected ${section}.username beside the password`);
}

/** TLS to one kind of server. `null` or `enabled: false`: plain text. */
export const tlsSection = (of: string) =>
	z
		.strictObject({
			enabled: z
				.boolean()
				.default(true)
				.meta({ description: `Speak TLS with ${of}.` }),
			caFile: text.optional().meta({
				...pathMeta,
				description: `PEM of the CAs that may sign the certificate of ${of}. Default: Node's own.`,
			}),
			certFile: text
				.optional()
				.meta({ ...pathMeta, description: `Client certificate for ${of} (mTLS), PEM with its chain.` }),
			keyFile: text.optional().meta({ ...pathMeta, description: 'Key of the client certificate, PEM.' }),
			serverName: z
				.string()
				.min(1)
				.max(253)
				.optional()
				.meta({ description: "Name that the server's certificate must have. Default: the host that is connected to." }),
		})
		.superRefine((value, context) => {
			if ((value.certFile === undefined) !== (value.keyFile === undefined))
				problemAt(context)(
					value.certFile === undefined ? 'certFile' : 'keyFile',
					'expected certFile and keyFile together',
				);
		})
		.nullable()
		.default(null);

export type TlsConfig = NonNullable<z.output<ReturnType<typeof tlsSection>>>;
