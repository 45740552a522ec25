// compose/compose.yaml as its services: what each runs, with which environment, files and volumes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from '../e2e/affidavit.ts';

export const composeFolder = join(repoRoot, 'compose');

export interface Mount {
	type: 'volume' | 'bind';
	/** Absent: a volume of the container alone. */
	source?: string;
	target: string;
	read_only?: boolean;
}

export interface ComposeService {
	image: string;
	entrypoint?: string[];
	command?: string[];
	environment?: Record<string, string>;
	volumes?: Mount[];
	networks?: string[];
	network_mode?: string;
	profiles?: string[];
	ports?: string[];
	user?: string;
	cap_drop?: string[];
	read_only?: boolean;
	tmpfs?: string[];
	security_opt?: string[];
	depends_on?: Record<string, { condition: string }>;
	healthcheck?: { test?: string[]; disable?: boolean };
	stop_grace_period?: string;
	deploy?: { replicas?: number; resources?: { limits?: { cpus?: string; memory?: string } } };
	build?: { context: string; dockerfile: string; target: string };
}

export interface ComposeFile {
	services: Record<string, ComposeService>;
	networks: Record<string, { internal?: boolean }>;
	volumes: Record<string, unknown>;
}

export const readComposeText = (): string => readFileSync(join(composeFolder, 'compose.yaml'), 'utf8');

/** As Docker reads it, without interpolation. */
export const readCompose = (): ComposeFile => parse(readComposeText(), { merge: true });

/** `${NAME:-default}` by `values`, else by the default. */
export const interpolate = (text: string, values: Readonly<Record<string, string>>): string =>
	text.replace(/\$\{([A-Z_]+):-([^}]*)\}/g, (_all, name: string, fallback: string) => values[name] ?? fallback);

/** The order in which Docker starts them: each after what it depends on. */
export function startOrder(services: Readonly<Record<string, ComposeService>>): string[] {
	const order: string[] = [];
	const add = (name: string, chain: readonly string[]): void => {
		if (order.includes(name)) return;
		const service = services[name];
		if (service === undefined) throw new Error(`${chain.at(-1)}: depends on ${name}, which is not there`);
		if (chain.includes(name)) throw new Error(`${[...chain, name].join(' → ')}: a circle`);
		for (const needed of Object.keys(service.depends_on ?? {})) add(needed, [...chain, name]);
		order.push(name);
	};
	for (const name of Object.keys(services)) add(name, []);
	return order;
}
