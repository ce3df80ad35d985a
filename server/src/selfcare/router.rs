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
    use std::process::{Command, Output};

    use ingest::front::testing::{Poison, poison_a_router};

    use super::*;

    /// What is done in the copy of this program that may die of it: the name of a thread that panics, or how the router of
    /// rumqttd is hurt.
    const DONE: &str = "VIGIL_TEST_DONE_TO_THE_COPY";
    const SIGABRT: i32 = 6;

    fn done() -> Option<String> {
        Some(std::env::var_os(DONE)?.into_string().unwrap())
    }

    /// Runs the test that asks once more, in a process of its own.
    fn copy(done: &str) -> (Output, String) {
        let this = thread::current().name().unwrap().to_owned();
        let mut copy = Command::new(std::env::current_exe().unwrap());
        let output = copy.args(["--exact", &this, "--nocapture"]).env(DONE, done).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output, said)
    }

    fn sentence(name: &str) -> String {
        format!("vigil: thread {name} of the command router panicked, so this process aborts: ")
    }

    #[test]
    fn a_panic_of_the_router_ends_the_process_with_a_sentence_and_anothers_does_not() {
        if let Some(name) = done() {
            abort_with_the_router();
            let panicking = thread::Builder::new().name(name).spawn(|| panic!("on purpose")).unwrap();
            assert!(panicking.join().is_err());
            return;
        }
        for (name, aborts) in [("router-0", true), ("router-12", true), ("down-receive", false), ("my-router-0", false)]
        {
            let (output, said) = copy(name);
            assert!(said.contains("on purpose"), "{name}: {said}");
            assert_eq!(said.contains(&sentence(name)), aborts, "{name}: {said}");
            assert_eq!(output.status.signal(), aborts.then_some(SIGABRT), "{name}: {said}");
            assert_eq!(output.status.success(), !aborts, "{name}: {said}");
        }
    }

    #[test]
    fn a_router_that_is_hurt_in_earnest_ends_the_process_with_the_sentence() {
        const HURT: [Poison; 2] = [Poison::Topic, Poison::Ready];
        if let Some(done) = done() {
            abort_with_the_router();
            let poison = HURT.into_iter().find(|poison| format!("{poison:?}") == done).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(poison_a_router(poison)).unwrap();
            // The hook did not end us, or there was no panic.
            return;
        }
        for poison in HURT {
            let (output, said) = copy(&format!("{poison:?}"));
            // The library's own words come first.
            assert!(said.contains("thread 'router-0'") && said.contains("rumqttd"), "{poison:?}: {said}");
            assert!(said.contains(&sentence("router-0")), "{poison:?}: {said}");
            assert_eq!(output.status.signal(), Some(SIGABRT), "{poison:?}: {said}");
        }
    }
}
