import { join } from 'node:path';
import { Argument, type Command, Option } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError } from '../errors.ts';
import { type KeyName, type KeyType, keyNames, loadKey, loadOrCreateKey, type StoredKey } from '../keys/store.ts';
import { table } from '../text/table.ts';

const nameArgument = (): Argument =>
	new Argument('[name]', 'signing: signs attestations; host: signs event batches')
		.choices([...keyNames])
		.default('signing');

export function registerKeys(program: Command, context: CliContext): void {
	const keys = program.command('keys').description("this data folder's signing and host keys");
	const folder = async (options: CommonOptions): Promise<string> =>
		join((await context.loadConfig(options)).config.dataDir, 'keys');

	commonOptions(keys.command('list'))
		.description('list the keys that exist')
		.addHelpText('after', examples('affidavit keys list', 'affidavit keys list --json'))
		.action(async (options: CommonOptions) => {
			const dir = await folder(options);
			const found = (await Promise.all(keyNames.map((name) => loadKey(dir, name)))).filter((key) => key !== null);
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

const publicPart = ({ name, type, keyId, privateKeyPath, publicKeyPath, publicKeyPem }: StoredKey) => ({
	name,
	type,
	keyId,
	privateKeyPath,
	publicKeyPath,
	publicKeyPem,
});
