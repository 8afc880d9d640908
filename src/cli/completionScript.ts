import type { Command } from 'commander';

/** The script for a shell: after each command its sub-commands, arguments of a choice and options. */
export const completionScript = (program: Command, shell: 'bash' | 'zsh' | 'fish'): string =>
  scripts[shell](wordsByPath(program));

/** Path of commands, each with a blank in front → the words that may follow. */
type WordsByPath = ReadonlyMap<string, readonly string[]>;

function wordsByPath(program: Command): WordsByPath {
  const found = new Map<string, readonly string[]>();
  const visit = (command: Command, path: string): void => {
    const help = command.createHelp();
    const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
    const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
    const options = help
      .visibleOptions(command)
      .flatMap(({ long, short }) => [long ?? short ?? []].flat());
    found.set(path, [...children.map((child) => child.name()), ...choices, ...options]);
    for (const child of children) visit(child, `${path} ${child.name()}`);
  };
  visit(program, '');
  return found;
}

const scripts = {
  bash: (words: WordsByPath) => `_jobwright() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      ${paths(words)}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases(words)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _jobwright jobwright
`,
  zsh: (words: WordsByPath) => `#compdef jobwright
_jobwright() {
  local place="" word words_here=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
      ${paths(words)}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases(words).replaceAll(' words=', ' words_here=')}
  esac
  compadd -- \${=words_here}
  _files
}
compdef _jobwright jobwright
`,
  fish: (words: WordsByPath) => `function __jobwright_words
  set -l place ""
  for word in (commandline -opc)[2..-1]
    switch "$place $word"
      case ${[...words.keys()]
        .filter((path) => path !== '')
        .map(quote)
        .join(' ')}
        set place "$place $word"
    end
  end
  switch "$place"
${[...words].map(([path, list]) => `    case ${quote(path)}\n      printf '%s\\n' ${list.join(' ')}`).join('\n')}
  end
end
complete -c jobwright -a '(__jobwright_words)'
`,
} as const;

const quote = (text: string): string => `'${text}'`;

const paths = (words: WordsByPath): string =>
  [...words.keys()]
    .filter((path) => path !== '')
    .map(quote)
    .join('|');

const cases = (words: WordsByPath): string =>
  [...words].map(([path, list]) => `    ${quote(path)}) words="${list.join(' ')}" ;;`).join('\n');
