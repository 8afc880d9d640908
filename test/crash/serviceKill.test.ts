import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { createServiceClient } from '../support/serviceClient.ts';
import { countWritten, expectKept, startRandomLoad } from '../support/serviceLoad.ts';
import {
  freePort,
  serviceSettings,
  serviceTokens,
  startServiceProcess,
} from '../support/serviceProcess.ts';
import { isLong, seededRandom } from '../support/waitUntil.ts';

const kills = isLong ? 200 : 10;
const seed = Number(process.env['SEED'] ?? 20_261_122);
const opening = serviceSettings(testDatabase());

describe('a service that is killed again and again under load', () => {
  it(
    'loses nothing it acknowledged and doubles nothing that is asked again',
    async () => {
      const settings = await opening;
      const tokens = serviceTokens(settings);
      const random = seededRandom(seed);
      let service = await startServiceProcess(settings, await freePort());
      const client = createServiceClient(service.url, tokens);
      const load = await startRandomLoad(client, tokens, { clients: 24, jobs: 60, random });
      const cut = { off: 0, written: 0 };
      for (let kill = 0; kill < kills; kill += 1) {
        // Every other time another process takes over, else the same port comes back.
        const standby =
          kill % 2 === 1 ? await startServiceProcess(settings, await freePort()) : null;
        await load.acknowledged(1 + Math.floor(random() * 60));
        // Any moment is as good as the one at which an answer comes.
        await delay(random() * 40);
        process.kill(service.pid, 'SIGKILL');
        const { open } = load;
        expect(await service.ended).toMatchObject({ signal: 'SIGKILL' });
        cut.off += open.length;
        cut.written += await countWritten(settings, open);
        service = standby ?? (await startServiceProcess(settings, service.port));
        client.url = service.url;
      }
      await load.acknowledged(100);
      await load.stop();
      expect(await service.kill('SIGTERM')).toEqual({ code: 0, signal: null });

      const { entries, acknowledged } = await expectKept(settings, load.attempts);
      const repeated = load.attempts.filter(({ isRepeated }) => isRepeated).length;
      console.info(
        `service kills (seed ${seed}): ${kills} kills, ${load.attempts.length} requests, ` +
          `${acknowledged} acknowledged, ${cut.off} open when killed (${cut.written} of them written), ` +
          `${repeated} asked again, ` +
          `${client.troubles.unanswered} attempts without an answer, ` +
          `${client.troubles.unavailable} told to come again; ` +
          `${entries} entries; lost 0, doubled 0`,
      );
      expect(repeated).toBeGreaterThan(kills);
    },
    isLong ? 1_800_000 : 120_000,
  );
});
