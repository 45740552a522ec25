import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Argument, type Command, Option } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import {
	type KeyName,
	type KeyType,
	keyNames,
	loadKey,
	loadOrCreateKey,
	publicMode,
	type StoredKey,
	writeOnce,
} from '../keys/store.ts';
import { type SealerName, sealerNames } from '../service/services.ts';
import { table } from '../text/table.ts';

const nameArgument = (): Argument =>
	new Argument('[name]', 'signing: signs attestations; host: signs event batches')
		.choices([...keyNames])
		.default('signing');

export function registerKeys(program: Command, context: CliContext): void {
	const keys = program.command('keys').description("this data folder's signing, host and service keys");
	const folder = async (options: CommonOptions): Promise<string> =>
		join((await context.loadConfig(options)).config.dataDir, 'keys');

	commonOptions(keys.command('list'))
		.description('list the keys that exist')
		.addHelpText('after', examples('affidavit keys list', 'affidavit keys list --json'))
		.action(async (options: CommonOptions) => {
			const dir = await folder(options);
			const all = [...keyNames, ...sealerNames];
			const found = (await Promise.all(all.map((name) => loadKey(dir, name)))).filter((key) => key !== null);
			if (options.json) for (const key of found) context.stdout.write(jsonLine(publicPart(key)));
			else if (found.length > 0)
				context.stdout.write(table(found.map((key) => [key.name, key.type, key.keyId, key.publicKeyPath])));
			else context.stderr.write(`no keys in ${dir}; they are made on first use, or by \`affidavit keys create\`\n`);
		});

	commonOptions(keys.command('show').addArgument(nameArgument()))
		.description('print a public key with its id')
		.addHelpText('after', examples('affidavit keys show', 'affidavit keys show host --json'))
		.action(async (name: KeyName, options: CommonOptions) => {
			const dir = await folder(options);
			const key = await loadKey(dir, name);
			if (!key)
				throw new CliError('file-missing', `no ${name} key in ${dir}; \`affidavit keys create ${name}\` makes one`);
			print(key, options);
		});

	commonOptions(keys.command('create').addArgument(nameArgument()))
		.description('make a key pair (0600); refuses to replace one')
		.addOption(new Option('--type <type>', 'ed25519 or ECDSA P-256').choices(['ed25519', 'p256']).default('ed25519'))
		.addHelpText('after', examples('affidavit keys create', 'affidavit keys create signing --type p256'))
		.action(async (name: KeyName, options: CommonOptions & { type: KeyType }) => {
			const key = await loadOrCreateKey(await folder(options), name, options.type);
			if (!key.created)
				throw new CliError(
					'key-exists',
					`${key.privateKeyPath}: exists (${key.type}, ${key.keyId}); move it away first`,
				);
			print(key, options);
		});

	commonOptions(
		keys.command('service').addArgument(new Argument('<name...>', "services, and the operator's").choices(sealerNames)),
	)
		.description("make the key (0600) that seals a service's records, unless it is there; print its public key")
		.option('--trust', "also put the public key into this machine's service.trustedDir")
		.addHelpText(
			'after',
			`
Every service needs the public keys of all: copy them into the folder service.trustedDir of each (docs/services.md).
${examples(
	'affidavit keys service correlate --data /var/lib/affidavit',
	'affidavit keys service correlate detect sign alert operator --trust',
	'affidavit keys service operator --json',
)}`,
		)
		.action(async (names: SealerName[], options: CommonOptions & { trust?: boolean }) => {
			const { config } = await context.loadConfig(options);
			for (const name of new Set(names)) {
				const key = await loadOrCreateKey(join(config.dataDir, 'keys'), name, 'ed25519');
				if (options.trust) await trustKey(config.service.trustedDir, key);
				print(key, options);
			}
		});

	function print(key: StoredKey, options: CommonOptions): void {
		if (options.json) context.stdout.write(jsonLine(publicPart(key)));
		else
			context.stdout.write(
				table([
					['name', key.name],
					['type', key.type],
					['key id', key.keyId],
					['private key', key.privateKeyPath],
					['public key', key.publicKeyPath],
				]) + key.publicKeyPem,
			);
	}
}

/** Beside those that are there already: a key that is rotated out stays trusted until its file is removed. */
async function trustKey(dir: string, key: StoredKey): Promise<void> {
	await makeFolder(dir);
	for (const path of [join(dir, `${key.name}.pub.pem`), join(dir, `${key.name}.${key.keyId.slice(0, 16)}.pub.pem`)])
		if ((await writeOnce(path, key.publicKeyPem, publicMode)) || (await readFile(path, 'utf8')) === key.publicKeyPem)
			return;
	throw new CliError('key-mismatch', `${dir}: holds another key under the name of ${key.name} key ${key.keyId}`);
}

const publicPart = ({ name, type, keyId, privateKeyPath, publicKeyPath, publicKeyPem }: StoredKey) => ({
	name,
	type,
	keyId,
	privateKeyPath,
	publicKeyPath,
	publicKeyPem,
});
