use std::io::{self, Write};
use std::panic;
use std::process;
use std::thread;

/// Threads of rumqttd's router: `router-0` and so on.
const ROUTER: &str = "router-";

/// The router is one thread that nobody joins: when it panics, commands would reach no device and nobody would know.
/// Nothing unacknowledged is lost by an end; the supervisor starts anew.
pub(crate) fn abort_with_the_router() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        tell(what);
        let thread = thread::current();
        let Some(name) = thread.name().filter(|name| name.starts_with(ROUTER)) else { return };
        // Nothing can be done where even this is not taken.
        drop(writeln!(
            io::stderr(),
            "vigil: thread {name} of the command router panicked, so this process aborts: every acknowledged reading is \
             stored, devices keep and send again what was not, and the supervisor starts vigil anew"
        ));
        process::abort();
    }));
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    /// Names the thread that panics, in the copy of this program that may die of it.
    const PANICS: &str = "VIGIL_TEST_THREAD_THAT_PANICS";
    const SIGABRT: i32 = 6;

    #[test]
    fn a_panic_of_the_router_ends_the_process_with_a_sentence_and_anothers_does_not() {
        if let Some(name) = std::env::var_os(PANICS) {
            abort_with_the_router();
            let name = name.into_string().unwrap();
            let panicking = thread::Builder::new().name(name).spawn(|| panic!("on purpose")).unwrap();
            assert!(panicking.join().is_err());
            return;
        }
        let this = thread::current().name().unwrap().to_owned();
        for (name, aborts) in [("router-0", true), ("router-12", true), ("down-receive", false), ("my-router-0", false)]
        {
            let mut copy = Command::new(std::env::current_exe().unwrap());
            let output = copy.args(["--exact", &this, "--nocapture"]).env(PANICS, name).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("on purpose"), "{name}: {said}");
            let sentence = format!("vigil: thread {name} of the command router panicked, so this process aborts: ");
            assert_eq!(said.contains(&sentence), aborts, "{name}: {said}");
            assert_eq!(output.status.signal(), aborts.then_some(SIGABRT), "{name}: {said}");
            assert_eq!(output.status.success(), !aborts, "{name}: {said}");
        }
    }
}
