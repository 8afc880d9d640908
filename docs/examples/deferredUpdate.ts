import { AdminRequired, ManagedPipelineJobInstance } from 'jobwright';

const { JOB: uuid = '', TOKEN: token = '' } = process.env;
const instance = new ManagedPipelineJobInstance({ uuid, token });

// A message as an outside system would send it; one for another job is refused.
await instance.handle({ uuid, name: 'index', data: { by: 'indexer' } });
// Each event is a method too.
await instance.indexed().validate().validated({ checks: 12 });
console.log(`${instance.state} at version ${instance.version}`);

try {
  await instance.send('reset');
} catch (error) {
  if (!(error instanceof AdminRequired)) throw error;
  console.log(error.message);
}
await instance.close();
