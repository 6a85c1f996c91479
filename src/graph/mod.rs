//! Ordering: a graph is a map from each node to those that it needs.

use std::collections::{BTreeMap, BTreeSet};

/// Who needs whom.
pub type Edges<N> = BTreeMap<N, BTreeSet<N>>;

/// An order in which each node comes after those that it needs, the least first where there is a choice;
/// else a cycle, as [`cycle`] gives it.
pub fn order<N: Ord + Clone>(edges: &Edges<N>) -> Result<Vec<N>, Vec<N>> {
    let mut waiting: BTreeMap<&N, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<&N, Vec<&N>> = BTreeMap::new();
    for (node, needs) in edges {
        *waiting.entry(node).or_default() += needs.len();
        for need in needs {
            waiting.entry(need).or_default();
            needed_by.entry(need).or_default().push(node);
        }
    }
    let mut ready: BTreeSet<&N> = waiting
        .iter()
        .filter_map(|(node, count)| (*count == 0).then_some(*node))
        .collect();
    let mut done = Vec::new();
    while let Some(node) = ready.pop_first() {
        done.push(node.clone());
        for dependant in needed_by.get(node).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(dependant) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(dependant);
                }
            }
        }
    }
    if done.len() == waiting.len() {
        Ok(done)
    } else {
        Err(cycle(edges).unwrap_or_default())
    }
}

/// A cycle where there is one, as `a, b, a`: each needs the next. The same for equal graphs.
pub fn cycle<N: Ord + Clone>(edges: &Edges<N>) -> Option<Vec<N>> {
    let mut finished: BTreeSet<&N> = BTreeSet::new();
    for start in edges.keys() {
        // Depth first with a stack of its own: a long chain must not use up the thread's.
        let mut path: Vec<(&N, Vec<&N>)> = Vec::new();
        let mut on_path: BTreeSet<&N> = BTreeSet::new();
        let mut next = Some(start);
        loop {
            if let Some(node) = next.take() {
                if on_path.contains(node) {
                    let from = path.iter().position(|(at, _)| *at == node).unwrap_or(0);
                    let around = path.iter().skip(from).map(|(at, _)| (*at).clone());
                    return Some(around.chain([node.clone()]).collect());
                }
                if !finished.contains(node) {
                    on_path.insert(node);
                    let needs = edges.get(node).into_iter().flatten().rev().collect();
                    path.push((node, needs));
                }
            }
            let Some((node, needs)) = path.last_mut() else {
                break;
            };
            next = needs.pop();
            if next.is_none() {
                on_path.remove(*node);
                finished.insert(*node);
                path.pop();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(text: &[(&'static str, &[&'static str])]) -> Edges<&'static str> {
        text.iter()
            .map(|(node, needs)| (*node, needs.iter().copied().collect()))
            .collect()
    }

    #[test]
    fn order_follows_needs_and_is_stable() {
        let edges = graph(&[("a", &["b", "d"]), ("c", &["b"]), ("d", &["b"])]);
        assert_eq!(order(&edges), Ok(vec!["b", "c", "d", "a"]));
    }

    #[test]
    fn a_cycle_is_named() {
        let edges = graph(&[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])]);
        assert_eq!(cycle(&edges), Some(vec!["a", "b", "c", "a"]));
        assert_eq!(order(&edges), Err(vec!["a", "b", "c", "a"]));
        assert_eq!(cycle(&graph(&[("a", &["a"])])), Some(vec!["a", "a"]));
        assert_eq!(cycle(&graph(&[("a", &["b"]), ("b", &[])])), None);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let edges: Edges<usize> = (0..50_000).map(|n| (n, BTreeSet::from([n + 1]))).collect();
        assert_eq!(cycle(&edges), None);
        assert_eq!(order(&edges).unwrap().len(), 50_001);
    }
}
