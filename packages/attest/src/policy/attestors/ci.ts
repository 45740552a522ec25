// Who ran the build: CI systems, clouds, tokens.
import { any, jwk, list, madeMap, map, object, pointer, struct, text, time } from '../go-shape.ts';
import type { Attestor, AttestorType, Subjects } from './attestor.ts';
import { textOf, textSubjects } from './attestor.ts';

const verifiedBy = struct({ jwksUrl: text, jwk });
/** Within another attestor; by itself it has an empty map of claims from the start. */
const jwtShape = struct({ claims: map(any), verifiedBy });

/** go-jose writes no empty key, so a token without one cannot be given to Rego. */
const keyMissing = (jwt: unknown): string => {
	if (typeof jwt !== 'object' || jwt === null) return '';
	const { verifiedBy: by } = jwt as { verifiedBy: { jwk: unknown } };
	return by.jwk === null ? 'the token has no verifiedBy.jwk: the real engine cannot write it for Rego' : '';
};

const jwt: AttestorType = {
	types: ['https://witness.dev/attestations/jwt/v0.1'],
	shape: struct({ claims: madeMap(any), verifiedBy }),
	unknown: ['verifiedBy.jwk'],
	unwritable: keyMissing,
};

const pipeline = (attestor: Attestor): Subjects => textSubjects(attestor, [['pipelineurl', 'pipelineurl']]);

const github: AttestorType = {
	types: ['https://witness.dev/attestations/github/v0.1'],
	shape: struct({
		'jwt?': pointer(jwtShape),
		ciconfigpath: text,
		pipelineid: text,
		pipelinename: text,
		pipelineurl: text,
		projecturl: text,
		runnerid: text,
		cihost: text,
		ciserverurl: text,
		runnerarch: text,
		runneros: text,
	}),
	unknown: ['jwt.verifiedBy.jwk'],
	subjects: (attestor) =>
		textSubjects(attestor, [
			['pipelineurl', 'pipelineurl'],
			['projecturl', 'projecturl'],
		]),
	backReferences: pipeline,
	unwritable: ({ jwt: token }) => keyMissing(token),
};

const gitlab: AttestorType = {
	types: ['https://witness.dev/attestations/gitlab/v0.1'],
	shape: struct({
		'jwt?': pointer(jwtShape),
		ciconfigpath: text,
		jobid: text,
		jobimage: text,
		jobname: text,
		jobstage: text,
		joburl: text,
		pipelineid: text,
		pipelineurl: text,
		projectid: text,
		projecturl: text,
		runnerid: text,
		cihost: text,
		ciserverurl: text,
	}),
	unknown: ['jwt.verifiedBy.jwk'],
	subjects: (attestor) =>
		textSubjects(attestor, [
			['pipelineurl', 'pipelineurl'],
			['joburl', 'joburl'],
			['projecturl', 'projecturl'],
		]),
	backReferences: pipeline,
	unwritable: ({ jwt: token }) => keyMissing(token),
};

const jenkins: AttestorType = {
	types: ['https://witness.dev/attestations/jenkins/v0.1'],
	shape: struct({
		buildid: text,
		buildnumber: text,
		buildtag: text,
		pipelineurl: text,
		executornumber: text,
		javahome: text,
		jenkinsurl: text,
		jobname: text,
		nodename: text,
		workspace: text,
	}),
	unknown: [],
	subjects: (attestor) =>
		textSubjects(attestor, [
			['pipelineurl', 'pipelineurl'],
			['jenkinsurl', 'jenkinsurl'],
		]),
	backReferences: pipeline,
};

const awsCodebuild: AttestorType = {
	types: ['https://witness.dev/attestations/aws-codebuild/v0.1'],
	shape: struct({
		build_info: struct({
			build_id: text,
			'build_arn?': text,
			'build_number?': text,
			'project_name?': text,
			'initiator?': text,
			'source_version?': text,
			'source_repo?': text,
			'batch_build_id?': text,
			'webhook_event?': text,
			'webhook_head_ref?': text,
			'webhook_actor_id?': text,
			'region?': text,
			'build_details?': object,
		}),
		'raw_build_details?': text,
	}),
	unknown: ['build_info.build_details'],
	subjects: codebuildSubjects,
	backReferences: codebuildSubjects,
};

function codebuildSubjects(attestor: Attestor): Subjects {
	const info = attestor['build_info'] as Attestor;
	const names = [
		['codebuild-build-id', 'build_id'],
		['codebuild-project', 'project_name'],
		['codebuild-source-version', 'source_version'],
	] as const;
	return textSubjects(
		info,
		names.filter(([, field]) => textOf(info, field) !== ''),
	);
}

const awsIid: AttestorType = {
	types: ['https://witness.dev/attestations/aws/v0.1'],
	shape: struct({
		devpayProductCodes: list(text),
		marketplaceProductCodes: list(text),
		availabilityZone: text,
		privateIp: text,
		version: text,
		region: text,
		instanceId: text,
		billingProducts: list(text),
		instanceType: text,
		accountId: text,
		pendingTime: time,
		imageId: text,
		kernelId: text,
		ramdiskId: text,
		architecture: text,
		rawiid: text,
		rawsig: text,
		publickey: text,
	}),
	unknown: [],
	subjects: (attestor) =>
		textSubjects(attestor, [
			['instanceid', 'instanceId'],
			['accountid', 'accountId'],
			['imageid', 'imageId'],
			['privateip', 'privateIp'],
		]),
};

const gcpIit: AttestorType = {
	types: ['https://witness.dev/attestations/gcp-iit/v0.1'],
	shape: struct({
		jwt: pointer(jwtShape),
		project_id: text,
		project_number: text,
		zone: text,
		instance_id: text,
		instance_hostname: text,
		instance_creation_timestamp: text,
		instance_confidentiality: text,
		licence_id: list(text),
		cluster_name: text,
		cluster_uid: text,
		cluster_location: text,
	}),
	unknown: ['jwt.verifiedBy.jwk'],
	subjects: (attestor) =>
		textSubjects(attestor, [
			['instanceid', 'instance_id'],
			['instancename', 'instance_hostname'],
			['projectid', 'project_id'],
			['projectnumber', 'project_number'],
			['clusteruid', 'cluster_uid'],
		]),
	unwritable: ({ jwt: token }) => keyMissing(token),
};

export const ciTypes: readonly AttestorType[] = [jwt, github, gitlab, jenkins, awsCodebuild, awsIid, gcpIit];
