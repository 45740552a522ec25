// What the tests configure to have findings posted to a receiver of theirs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { secret } from '../../services/detect/test/alert/receiver.ts';

/** Writes the secret and a configuration with the webhook into `folder`; returns the arguments that name it. */
export function webhookConfig(folder: string, url: string, more: Record<string, unknown> = {}): string[] {
	writeFileSync(join(folder, 'webhook.secret'), `${secret}\n`, { mode: 0o600 });
	const config = join(folder, 'affidavit.json');
	// JSON is YAML.
	writeFileSync(
		config,
		JSON.stringify({ webhook: { url, secretFile: 'webhook.secret', allowPrivate: ['127.0.0.1'] }, ...more }),
	);
	return ['--config', config];
}
