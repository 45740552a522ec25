// The live source that the configuration names: Tetragon's export file, or its gRPC endpoint.
import type { Decoder } from '@affidavit/ingest/decode-result.ts';
import { openGrpcSource } from '@affidavit/ingest/grpc/grpc-source.ts';
import { type GrpcTls, parseTarget } from '@affidavit/ingest/grpc/target.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { createProtobufDecoder } from '@affidavit/ingest/protobuf/decoder.ts';
import { openExportSource } from '@affidavit/ingest/source/export/export-source.ts';
import type { LiveSource } from '@affidavit/ingest/source/live-source.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { TlsConfig } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';

export interface ConfiguredSource {
	/** For people: the file or the address. */
	name: string;
	openSource: (checkpoint: Uint8Array | null) => LiveSource;
	decoder: Decoder;
}

/** Throws CliError('config'). */
export function liveSourceOf({ source, limits }: Config, nowUs: () => number, emit: Emit): ConfiguredSource {
	const { lineBytesMax } = limits;
	switch (source?.kind) {
		case 'export': {
			const path = source.path as string;
			return {
				name: path,
				openSource: (checkpoint) => openExportSource({ path, checkpoint, emit, nowUs, lineBytesMax }),
				decoder: createJsonDecoder({ lineBytesMax }),
			};
		}
		case 'grpc': {
			const address = source.address as string;
			const parsed = parseTarget(address, grpcTls(source.tls));
			if (parsed.kind === 'invalid') throw new CliError('config', `source.address: ${parsed.message}`);
			return {
				name: address,
				openSource: () => openGrpcSource({ target: parsed.target, nowUs, emit }),
				decoder: createProtobufDecoder(),
			};
		}
		default:
			throw new CliError(
				'config',
				'source: expected a live Tetragon: --export FILE, --grpc ADDRESS, or source in the configuration',
			);
	}
}

function grpcTls(tls: TlsConfig | null): GrpcTls | null {
	if (tls === null || !tls.enabled) return null;
	const { caFile, certFile, keyFile, serverName } = tls;
	return {
		...(caFile === undefined ? {} : { caFile }),
		...(certFile === undefined ? {} : { certFile }),
		...(keyFile === undefined ? {} : { keyFile }),
		...(serverName === undefined ? {} : { serverName }),
	};
}
