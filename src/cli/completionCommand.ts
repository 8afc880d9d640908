import { Argument, type Command } from 'commander';
import type { CommandContext } from './io.ts';

/** `completion <shell>`: a script by which a shell completes commands and options. */
export function addCompletion(program: Command, { io }: CommandContext): void {
  program
    .command('completion')
    .description('Print a script by which a shell completes commands and options.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', use)
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('./completionScript.ts');
      io.stdout.write(completionScript(program, shell));
    });
}

const use = `
bash  echo 'source <(jobwright completion bash)' >> ~/.bashrc
zsh   echo 'source <(jobwright completion zsh)' >> ~/.zshrc   (after compinit)
fish  jobwright completion fish > ~/.config/fish/completions/jobwright.fish`;
