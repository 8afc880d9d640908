import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runMain } from './runMain.ts';

/** What bash proposes after these words, the last of them half typed. */
function propose(script: string, ...words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const program = `${script}
COMP_WORDS=(jobwright ${line}); COMP_CWORD=${words.length}; _jobwright
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '-c', program], { encoding: 'utf8' });
  return output.split('\n').filter((word) => word !== '');
}

describe('completion', () => {
  it('proposes nouns, verbs, choices and options in bash', async () => {
    const { code, stdout, stderr } = await runMain(['completion', 'bash']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(propose(stdout, 'd')).toEqual(['dev', 'dataset', 'document', 'doctor']);
    expect(propose(stdout, 'job', 're')).toEqual(['reset']);
    expect(propose(stdout, 'job', 'reset', 'some-id', '--re')).toEqual(['--reason']);
    expect(propose(stdout, 'job', '--url', 'x', 'ls', '--st')).toEqual(['--state']);
    expect(propose(stdout, 'completion', '')).toEqual(['bash', 'zsh', 'fish', '--help']);
    expect(propose(stdout, 'token', 'adm')).toEqual(['admin']);
  });

  it.each([
    ['zsh', 'compdef _jobwright jobwright'],
    ['fish', "complete -c jobwright -a '(__jobwright_words)'"],
  ])('makes a script for %s of the same words', async (shell, line) => {
    const { stdout } = await runMain(['completion', shell]);
    expect(stdout).toContain(line);
    expect(stdout).toContain("' job reset'");
    expect(stdout).toContain('--keep-archive');
    expect(stdout).not.toContain('dev-worker');
  });

  it('knows no other shell', async () => {
    expect(await runMain(['completion', 'tcsh'])).toMatchObject({ code: 2, stdout: '' });
  });
});
