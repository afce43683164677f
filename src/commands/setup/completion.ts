import type { Command, Option } from "commander";

type Shell = "bash" | "zsh" | "fish";

/** A command as the scripts need it. The program itself comes first and has the name `""`. */
interface CommandWords {
  name: string;
  description: string;
  options: readonly Option[];
  /** The possible values of its first argument, if they are known. */
  choices: string[];
}

/**
 * The shell script that completes the program's commands and options. Our own code, because `@bomb.sh/tab` never completes
 * file names and starts Node at each key press.
 */
export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](program.name(), readCommands(program));
}

function readCommands(program: Command): CommandWords[] {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const names = commands.map((command) => command.name());
  const describe = (command: Command, name: string, choices: string[] = []) => ({
    name,
    description: command.description(),
    options: help.visibleOptions(command),
    choices,
  });
  return [
    describe(program, "", names),
    ...commands.map((command) => {
      const name = command.name();
      // `help` takes the name of any other command.
      const choices = name === "help" ? names : command.registeredArguments[0]?.argChoices;
      return describe(command, name, choices);
    }),
  ];
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined && flag !== null);
}

/** The description of an option without its variable and default. */
function meaningOf({ description }: Option): string {
  return description.replace(/ \((?:env|default)[^)]*\)$/, "");
}

const SCRIPTS: Record<Shell, (program: string, commands: CommandWords[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

function bashScript(program: string, commands: CommandWords[]): string {
  const cases = commands.map(({ name, options, choices }) => {
    const words = [...choices, ...options.flatMap(flagsOf)].join(" ");
    return `    ${name === "" ? '""' : name}) words="${words}" ;;`;
  });
  const values = choiceOptions(commands).map(
    ({ flags, choices }) =>
      `    ${flags.join("|")}) COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$current")); return ;;`,
  );
  const names = commands.map(({ name }) => name).filter((name) => name !== "");
  return `# ${program} completion for bash: eval "$(${program} completion bash)"
_${identifier(program)}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      ${names.join("|")}) command="$word"; break ;;
    esac
  done
  case "$previous" in
${values.join("\n")}
    ${valueFlags(commands).join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$command" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${identifier(program)} ${program}
`;
}

function zshScript(program: string, commands: CommandWords[]): string {
  const [root, ...inner] = commands;
  const described = inner.map(({ name, description }) =>
    quote(`${name}:${escapeZsh(firstLine(description))}`),
  );
  const cases = inner.map(
    ({ name, options, choices }) =>
      `      ${name}) _arguments ${zshList([
        ...options.flatMap(zshOptions),
        quote(choices.length > 0 ? `1: :(${choices.join(" ")})` : "*: :_files"),
      ])} ;;`,
  );
  return `#compdef ${program}
# ${program} completion for zsh: eval "$(${program} completion zsh)"
_${identifier(program)}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C ${zshList([
    ...(root?.options ?? []).flatMap(zshOptions),
    quote("1: :->command"),
    quote("*:: :->rest"),
  ])}
  case "$state" in
    command)
      local -a commands=(
        ${described.join("\n        ")}
      )
      _describe command commands ;;
    rest) case "$line[1]" in
${cases.join("\n")}
    esac ;;
  esac
}
compdef _${identifier(program)} ${program}
`;
}

/** One `_arguments` specification for each spelling of the option. */
function zshOptions(option: Option): string[] {
  const { argChoices } = option;
  const values = argChoices ? `:value:(${argChoices.join(" ")})` : ":value:_files";
  const meaning = escapeZsh(meaningOf(option));
  return flagsOf(option).map((flag) =>
    quote(`${flag}[${meaning}]${takesValue(option) ? values : ""}`),
  );
}

function zshList(words: readonly string[]): string {
  return words.map((word) => `\\\n        ${word}`).join(" ");
}

function fishScript(program: string, commands: CommandWords[]): string {
  const names = commands.map(({ name }) => name).filter((name) => name !== "");
  const isFirst = quote(`not __fish_seen_subcommand_from ${names.join(" ")}`);
  const lines = commands.flatMap(({ name, description, options, choices }) => {
    const isHere = name === "" ? isFirst : quote(`__fish_seen_subcommand_from ${name}`);
    const values = name === "" ? [] : choices;
    return [
      ...(name === "" ? [] : [[isFirst, "-f", "-a", name, "-d", quote(firstLine(description))]]),
      ...options.map((option) => [isHere, ...fishOption(option)]),
      ...(values.length > 0 ? [[isHere, "-f", "-a", quote(values.join(" "))]] : []),
    ];
  });
  return [
    `# ${program} completion for fish: ${program} completion fish | source`,
    ...lines.map((words) => `complete -c ${program} -n ${words.join(" ")}`),
    "",
  ].join("\n");
}

function fishOption(option: Option): string[] {
  const { short, long, argChoices } = option;
  return [
    ...(short ? ["-s", short.slice(1)] : []),
    ...(long ? ["-l", long.slice(2)] : []),
    ...(takesValue(option) ? ["-r"] : []),
    ...(argChoices ? ["-f", "-a", quote(argChoices.join(" "))] : []),
    "-d",
    quote(meaningOf(option)),
  ];
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function choiceOptions(
  commands: readonly CommandWords[],
): { flags: string[]; choices: string[] }[] {
  const seen = new Map<string, { flags: string[]; choices: string[] }>();
  for (const option of commands.flatMap(({ options }) => options)) {
    if (option.argChoices) {
      seen.set(option.flags, { flags: flagsOf(option), choices: option.argChoices });
    }
  }
  return [...seen.values()];
}

/** Options with free values, which are completed as file names. */
function valueFlags(commands: readonly CommandWords[]): string[] {
  const options = commands.flatMap((command) => command.options);
  const flags = options.filter((one) => takesValue(one) && !one.argChoices).flatMap(flagsOf);
  return [...new Set(flags)];
}

function escapeZsh(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, "\\$&");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** For all three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function identifier(program: string): string {
  return program.replaceAll("-", "_");
}
