//! Taking over containers that are not coasti's, killed at every request that changes something.

use super::kill::aimed;
use super::{WITNESS, quick, well};
use crate::support::lab::Lab;

/// The pair as somebody else runs it: its containers, and the files that take it over.
struct Theirs<'a> {
    lab: &'a Lab,
}

const PASSWORD: &str = "theirs-and-long-enough-0123";

impl Theirs<'_> {
    fn name(&self, what: &str) -> String {
        format!("{}-old-{what}", self.lab.name())
    }

    fn sites(&self, version: &str) -> String {
        let external = |what: &str| {
            let name = self.name(what);
            format!("volume: [{{name: {name}, external: true, target: /data}}]")
        };
        let text = quick(version);
        let (app, database) = text.split_once("  provider:").unwrap();
        let own = "volume: [{name: data, target: /data}]";
        let adopt = format!(
            "- label: wiki\n  adopt: {{wiki: {}, database: {}}}\n",
            self.name("app"),
            self.name("db")
        );
        let app = app.replace("- label: wiki\n", &adopt);
        format!(
            "{}  provider:{}",
            app.replace(own, &external("app")),
            database.replace(own, &external("db"))
        )
    }

    /// Starts both, by hand.
    fn run(&self) {
        for what in ["db", "app"] {
            let name = self.name(what);
            self.lab.docker(&[
                "run",
                "-d",
                "--name",
                &name,
                "--restart",
                "always",
                "-e",
                "VERSION=old",
                "-e",
                &format!("DB_PASSWORD={PASSWORD}"),
                "-v",
                &format!("{name}:/data"),
                "coasti-test/tiny:1",
                "sh",
                "-c",
                WITNESS,
            ]);
        }
    }

    /// Id, state and restart policy of each.
    fn facts(&self) -> Vec<String> {
        let facts = |what: &str| {
            let template = "{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
            self.lab.inspect(&self.name(what), template)
        };
        ["app", "db"].map(facts).to_vec()
    }

    fn clear(&self) {
        for what in ["db", "app"] {
            let name = self.name(what);
            let there = self
                .lab
                .docker(&["ps", "-aq", "--filter", &format!("name=^{name}$")]);
            if !there.is_empty() {
                self.lab.docker(&["rm", "-f", &name]);
            }
            self.lab.docker(&["volume", "rm", "-f", &name]);
        }
    }
}

impl Drop for Theirs<'_> {
    fn drop(&mut self) {
        self.lab.wipe();
        self.clear();
    }
}

#[test]
fn a_killed_take_over_is_undone_or_finished() {
    let Some((lab, proxy, aim)) = aimed("a_killed_take_over_is_undone_or_finished") else {
        return;
    };
    let theirs = Theirs { lab: &lab };
    lab.sites(&theirs.sites("v1"));
    let long = std::env::var_os("COASTI_TEST_LONG").is_some();
    let (mut taken, mut rounds) = (0, 0);
    for at in (1..).step_by(if long { 1 } else { 3 }) {
        rounds += 1;
        theirs.clear();
        theirs.run();
        let before = theirs.facts();
        let killed = aim.kill(&lab, &proxy, at, at % 2 == 0);
        let about = format!("killed at request {at}: {killed}");
        eprintln!("{about}");
        let plan = lab.coasti(&["plan", "--detailed-exitcode"]);
        assert!([0, 2].contains(&plan.code), "{about}: {}", plan.show());
        if at % 2 == 0 && killed && plan.err.contains("was cut off") {
            lab.coasti(&["recover", "--yes"]).expect(0);
            if lab
                .runs()
                .first()
                .is_some_and(|run| run.starts_with("recover"))
            {
                assert_eq!(
                    theirs.facts(),
                    before,
                    "{about}: what ran before runs again"
                );
                assert_eq!(lab.containers(), [""; 0], "{about}");
                taken += 1;
            }
        }
        lab.apply();
        // Never two at once on either volume, theirs included.
        well(&lab, "v1");
        assert_eq!(lab.secret("wiki/database/DB_PASSWORD"), PASSWORD);
        let left = lab.docker(&[
            "ps",
            "-aq",
            "--filter",
            &format!("name=^{}", theirs.name("")),
        ]);
        assert_eq!(left, "", "{about}: theirs are left");
        if !killed {
            assert!(at > 12, "there are more than {at} requests in an apply");
            break;
        }
        lab.wipe();
    }
    assert!(taken > 0, "no run was cut off in the middle");
    // The one place is the command that prints it.
    assert_eq!(
        lab.told().matches(PASSWORD).count(),
        rounds,
        "a secret was told"
    );
}
