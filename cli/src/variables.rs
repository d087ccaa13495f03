//! Flags from the environment: `REGOVM_<COMMAND>_<FLAG>` and, as `opa` has them, `OPA_<COMMAND>_<FLAG>`.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

/// Prefixes of variables; the first one that is set counts.
const PREFIXES: [&str; 2] = ["REGOVM", "OPA"];

/// The command, and those below it, with every flag taken from the environment where the command line does not have it.
pub fn of_flags(command: Command) -> Command {
    of_command(command, "")
}

fn of_command(command: Command, above: &str) -> Command {
    let path = format!("{above}_{}", variable(command.get_name()));
    let help = command.get_after_help().map(ToString::to_string);
    let below = path.clone();
    let command = command.mut_subcommands(|command| of_command(command, &below));
    let command = match is_any_set(&path) {
        true => command.mut_args(|flag| of_flag(flag, &path)),
        false => command,
    };
    let note = format!(
        "Flags can come from the environment: REGOVM{path}_<FLAG> or OPA{path}_<FLAG>, with _ for -."
    );
    command.after_help(match help {
        Some(help) => format!("{help}\n\n{note}"),
        None => note,
    })
}

/// True if there may be a variable of some flag of the command: most have none, and to ask for each flag takes long.
fn is_any_set(path: &str) -> bool {
    std::env::vars_os().any(|(name, _)| {
        let name = name.as_encoded_bytes();
        PREFIXES.iter().any(|prefix| {
            name.strip_prefix(prefix.as_bytes())
                .is_some_and(|rest| rest.starts_with(path.as_bytes()))
        })
    })
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn of_flag(flag: Arg, path: &str) -> Arg {
    let is_value = matches!(
        flag.get_action(),
        ArgAction::Set | ArgAction::Append | ArgAction::SetTrue | ArgAction::SetFalse
    );
    let Some(long) = flag.get_long().filter(|_| is_value) else {
        return flag;
    };
    let name = variable(long);
    let names = PREFIXES.map(|prefix| format!("{prefix}{path}_{name}"));
    // An empty variable is none.
    let set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(found) = names.into_iter().find(set) else {
        return flag;
    };
    let switch = matches!(flag.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    let flag = flag.env(found).hide_env(true);
    if switch {
        flag.value_parser(BoolishValueParser::new())
    } else {
        flag
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn commands_stay_sound_and_say_it_in_their_help() {
        let mut command = crate::args::Cli::command();
        command.build();
        command.clone().debug_assert();
        let eval = command.find_subcommand_mut("eval").expect("eval");
        let help = eval.render_long_help().to_string();
        assert!(
            help.contains("REGOVM_EVAL_<FLAG> or OPA_EVAL_<FLAG>"),
            "{help}"
        );
        assert!(help.contains("Examples:"), "{help}");
    }
}
