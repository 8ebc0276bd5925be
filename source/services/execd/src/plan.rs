//! How a program is started: as its recipe says, with what the spawner asks for instead.
//!
//! Deny by default: a program that no recipe mentions gets the right to print and nothing else.

use lifecycle::Restart;
use nexus_abi::{AffinityPolicy, HartMask, QosClass};
use nexus_wire::execd::{Image, Refusal, Restart as Asked, Spawn};
use nexus_wire::policyd::Action;
use nexus_wire::recipe::{Placement, Profile, Qos, Recipe, Restart as Written};

/// How one program is started, over all its restarts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) image: Image,
    pub(crate) profile: Profile,
    pub(crate) restart: Restart,
    /// Harts the spawner confines it to.
    pub(crate) harts: HartMask,
    /// Where its recipe puts it, unless the spawner does.
    pub(crate) affinity: Option<Placement>,
    /// How it is scheduled if policyd agrees.
    pub(crate) qos: Qos,
    /// The program that asks for this class; nobody when it is the recipe's.
    pub(crate) class_for: Option<Image>,
}

impl Plan {
    /// The plan for what `spawner` asks for.
    pub(crate) fn new(recipe: &Recipe, spawn: &Spawn, spawner: Option<Image>) -> Result<Self, Refusal> {
        let entry = recipe.find(&spawn.image);
        let mut qos = entry.and_then(|entry| entry.qos).unwrap_or_default();
        let mut class_for = None;
        if let Some(class) = spawn.class {
            qos.class = QosClass::from_wire(u64::from(class)).ok_or(Refusal::Invalid)?;
            class_for = spawner;
        }
        let harts = HartMask(spawn.harts);
        let profile = entry.map_or(Profile::DEFAULT, |entry| entry.profile.clone());
        Ok(Self {
            image: spawn.image.clone(),
            restart: restart(spawn.restart, profile.restart),
            profile,
            harts,
            affinity: entry.and_then(|entry| entry.affinity).filter(|_| harts == HartMask::ANY),
            qos,
            class_for,
        })
    }

    /// Harts a new task may run on before anything else is set: one that is pinned is never elsewhere.
    pub(crate) fn first_harts(&self) -> HartMask {
        match self.affinity {
            Some(Placement { harts, policy: AffinityPolicy::Pin }) => harts,
            _ => self.harts,
        }
    }

    /// On whose behalf policyd is asked for `action`.
    pub(crate) fn subject(&self, action: Action) -> &Image {
        match (action, &self.class_for) {
            (Action::QosRaise | Action::QosPerfBurst, Some(spawner)) => spawner,
            _ => &self.image,
        }
    }
}

fn restart(asked: Asked, written: Written) -> Restart {
    match (asked, written) {
        (Asked::Never, _) | (Asked::Profile, Written::Never) => Restart::Never,
        (Asked::OnFailure, _) | (Asked::Profile, Written::OnFailure) => Restart::OnFailure,
        (Asked::Always, _) | (Asked::Profile, Written::Always) => Restart::Always,
    }
}
