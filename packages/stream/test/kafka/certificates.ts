// A certificate authority of a test's own, and certificates of it, by openssl.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
	cert: string;
	key: string;
	/** Both in one file, as Kafka's PEM key store wants them. */
	storeFile: string;
}

export interface Authority {
	ca: string;
	caFile: string;
	/** `CN=NAME`, for 127.0.0.1 and localhost. */
	issue(name: string): Certificate;
}

export function createAuthority(folder: string): Authority {
	const file = (name: string): string => join(folder, name);
	const openssl = (...args: string[]): void => {
		execFileSync('openssl', args, { stdio: 'pipe' });
	};
	const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	openssl(
		'req',
		'-x509',
		...newKey,
		'-keyout',
		file('ca.key'),
		'-out',
		file('ca.pem'),
		'-days',
		'2',
		'-subj',
		'/CN=test-ca',
	);
	writeFileSync(file('san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
	return {
		ca: readFileSync(file('ca.pem'), 'utf8'),
		caFile: file('ca.pem'),
		issue: (name) => {
			const [key, csr, cert] = ['key', 'csr', 'pem'].map((kind) => file(`${name}.${kind}`)) as [string, string, string];
			openssl('req', ...newKey, '-keyout', key, '-out', csr, '-subj', `/CN=${name}`);
			const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
			openssl('x509', '-req', '-in', csr, ...signer, '-out', cert, '-days', '2', '-extfile', file('san.cnf'));
			const texts = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
			writeFileSync(file(`${name}.store.pem`), texts.key + texts.cert);
			return { ...texts, storeFile: file(`${name}.store.pem`) };
		},
	};
}
