import type { EffectHandler } from '../machine/effect.ts';

/** Opens a job that was reset with its archive kept; done as well where somebody else has. */
export const sendReady: EffectHandler = async (run) => {
  await run.send('ready');
};
