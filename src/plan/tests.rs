//! Which steps a plan has, and in which order. Every plan made here passes the checker (see
//! [`World::plan`]).

mod adopt;
mod cut_off;
mod files;
mod in_place;
mod narrow;
mod order;
mod undo;

use super::fixture::{self, World, labels};
use crate::base::ResourceId;
use crate::model::Text;
use crate::observe::Status;

/// The whole old stack, for containers that a run left behind.
fn old() -> crate::model::Stack {
    fixture::usual()
}

/// The usual stack with `blog` changed in the files.
fn changed() -> World {
    World::usual(|stack| fixture::env(stack, "blog", "LEVEL", "debug"))
}

/// The world after a failed run, to be taken back.
fn undo(mut world: World) -> World {
    world.desired = old();
    world.wishes.undo = true;
    world
}

#[test]
fn post_run_commands_follow_health_and_only_in_what_was_made() {
    let mut world = World::usual(|stack| {
        fixture::spec_mut(stack, "wiki").post_run = vec![Text::plain("migrate")];
    });
    let steps = world.steps();
    let at = |steps: &str, word: &str| {
        steps
            .find(word)
            .unwrap_or_else(|| panic!("{word}: {steps}"))
    };
    const POST_RUN: &str = "post-run in container:wiki [new]";
    const AWAIT: &str = "await container:wiki [new]";
    assert!(at(&steps, AWAIT) < at(&steps, POST_RUN));
    // What makes it healthy may be one of them.
    fixture::spec_mut(&mut world.desired, "wiki").post_run_at_start = true;
    let steps = world.steps();
    assert!(at(&steps, POST_RUN) < at(&steps, AWAIT));
    fixture::spec_mut(&mut world.desired, "wiki").post_run_at_start = false;
    world.observed = fixture::observe(&world.desired);
    world.base = Some(world.desired.clone());
    world.exited("acme-wiki", 1);
    assert!(!world.steps().contains("post-run"));
}

#[test]
fn plans_do_not_depend_on_the_order_of_what_is_observed() {
    // Maps are sorted; ids given by the engine must not matter.
    let world = changed();
    let mut other = changed();
    for container in other.observed.containers.values_mut() {
        let turned: String = container.id.as_str().chars().rev().collect();
        container.id = crate::base::EngineId::new(turned);
    }
    let bare = |text: String| -> Vec<String> {
        let ids = |line: &str| line.split(['[', ']']).step_by(2).collect();
        text.lines().map(ids).collect()
    };
    assert_eq!(bare(world.steps()), bare(other.steps()));
}
