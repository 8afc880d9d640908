import type { Argument, Command, Option } from 'commander';
import { exitCodes } from '../src/cli/exitCode.ts';
import { createProgram } from '../src/cli/main.ts';

/** docs/cli.md: every command with its options, made from the tree of commands. */
export function cliReference(): string {
  const program = createProgram({
    io: {
      stdout: { write: () => true },
      stderr: { write: () => true },
      env: {},
      signal: new AbortController().signal,
      program: '',
    },
    exit: () => undefined,
  });
  const sections = visible(program).flatMap((command) => section(command, 'jobwright'));
  return [intro, exitCodeTable(), settings, '## Commands', ...sections].join('\n\n') + '\n';
}

const intro = `<!-- Made from the commands in src/cli; see docs/cliReference.ts. -->

# Command line

\`jobwright <noun> <verb>\`. Data goes to stdout, messages go to stderr. On a terminal data is a table; elsewhere, or with \`--json\`, it is one JSON document as the API answers it, and \`job watch\` prints a line of JSON for each entry. \`NO_COLOR\` turns colours off. Text from jobs is shown with its control characters escaped.

What cannot be undone asks first on a terminal. Elsewhere it is refused unless \`--yes\` is given. After a question the request holds only for the version of the job that was asked about.

An option that takes JSON takes the text itself, \`@<file>\`, or \`-\` for stdin.

\`\`\`sh
jobwright pipeline put count
id=$(jobwright job create --pipeline count --data '{"text": "a b c"}' --json | jq -r .job.id)
jobwright job send "$id" run --then 'update:{"msg": "half way"}' --then finish
jobwright job history "$id"
jobwright job reset "$id" --reason 'wrong input' --yes
\`\`\``;

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done',
  failure: 'failed, was declined, or `verify` and `doctor` found a problem',
  usage: 'wrong usage, wrong data or wrong configuration',
  notFound: 'not found',
  refused: 'refused by the machine',
  noRight: 'no right, or no genuine token',
  conflict: 'conflict: another version, or a key used before',
  unreachable: 'the service or the database cannot be reached, or is busy',
  interrupted: 'interrupted',
};

function exitCodeTable(): string {
  const rows = Object.entries(exitCodes).map(
    ([name, code]) => [String(code), meanings[name as keyof typeof exitCodes]] as const,
  );
  return `## Exit codes\n\n${markdownTable(['Code', 'Meaning'], rows)}`;
}

const settings = `## Which service, which token

The service is the one of \`--url\`, else of \`JOBWRIGHT_URL\`, else of \`JOBWRIGHT_PUBLIC_URL\`, else \`http://JOBWRIGHT_HOST:JOBWRIGHT_PORT\` (\`http://127.0.0.1:8787\`).

The token is that of \`JOBWRIGHT_TOKEN\`, or of the file that \`JOBWRIGHT_TOKEN_FILE\` names; never an argument, as every user of the machine sees those. Without one, and where the service's secrets are at hand (\`JOBWRIGHT_SECRETS\`, or the secret in \`JOBWRIGHT_HOME\`), a command signs itself a token for five minutes in the name of the user: of an admin for \`job reset\`, \`job rm\` and \`audit\`, of an operator for the rest.`;

function section(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const children = visible(command);
  if (children.length > 0) return children.flatMap((child) => section(child, name));
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const rows = [
    ...help
      .visibleArguments(command)
      .map((argument) => [code(nameOf(argument)), plain(descriptionOf(argument))]),
    ...options.map((option) => [code(option.flags), plain(optionText(option))]),
  ];
  return [
    `### ${name}`,
    '```\n' + `${name} ${command.usage()}` + '\n```',
    plain(sentence(command.description())),
    ...(rows.length > 0 ? [markdownTable(['Option', 'Meaning'], rows)] : []),
  ];
}

const visible = (command: Command): Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');

const nameOf = (argument: Argument): string =>
  argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;

const descriptionOf = ({ description, argChoices }: Argument): string =>
  argChoices ? `${description}: ${argChoices.join(', ')}` : description;

/** A default that depends on who asks stands in the description as words. */
const optionText = ({ description, mandatory }: Option): string =>
  mandatory ? `${description} (required)` : description;

function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heading, ...rows].map((row) => row.map((text) => text.replaceAll('|', '\\|')));
  const widths = heading.map((_, column) =>
    Math.max(3, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...rest] = cells;
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join(
    '\n',
  );
}

/** Text in which nothing is taken for a tag; what stands in backticks is none anyway. */
const plain = (text: string): string =>
  text.replace(/(`[^`]*`)|</g, (_found, quoted?: string) => quoted ?? '&lt;');

const code = (text: string): string => `\`${text}\``;

const sentence = (text: string): string => {
  const end = /[.)]$/.test(text) ? '' : '.';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
};
