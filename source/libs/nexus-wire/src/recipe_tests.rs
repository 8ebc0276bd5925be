//! A compiled recipe reads back as itself, and damage is refused instead of becoming another recipe.

extern crate std;

use super::*;
use crate::{Malformed, decode, encode};
use proptest::prelude::*;
use std::format;

fn qos() -> impl Strategy<Value = Qos> {
    (0u64..4, 1u64..=1000, 0u64..=1000, 0u64..=100).prop_map(|(class, shares, latency, burst)| Qos {
        class: QosClass::from_wire(class).expect("a class"),
        shares: Shares::exact(shares).expect("in range"),
        latency: LatencyHint::exact_ms(latency).expect("in range"),
        burst: BurstHint::exact_ms(burst).expect("in range"),
    })
}

fn placement() -> impl Strategy<Value = Placement> {
    (any::<u64>(), 0u64..3).prop_map(|(harts, policy)| Placement {
        harts: HartMask(harts),
        policy: AffinityPolicy::from_wire(policy).expect("a policy"),
    })
}

fn service() -> impl Strategy<Value = Service> {
    let numbers = (any::<u32>(), any::<u32>(), 0..=Rights::ALL.to_wire());
    (0usize..1000, numbers, 0usize..3, proptest::option::of(placement()), proptest::option::of(qos()))
        .prop_map(|(number, (pages, objects, rights), pick, affinity, qos)| Service {
            name: Image::try_from(format!("service-{number}").as_str()).expect("short"),
            start: Start::ALL[pick].1,
            profile: Profile {
                restart: Restart::ALL[pick].1,
                rights: Rights::from_wire(rights).expect("in range"),
                uses: Endpoint::ALL.iter().map(|(_, endpoint)| *endpoint).take(pick).collect(),
                privileges: Privilege::ALL.iter().map(|(_, privilege)| *privilege).take(pick).collect(),
                time: Time::ALL[pick % 2].1,
                pages,
                objects,
            },
            affinity,
            qos,
        })
}

proptest! {
    #[test]
    fn a_full_recipe_fits_its_file_and_reads_back_as_itself(
        services in proptest::collection::vec(service(), 0..=SERVICES_MAX),
    ) {
        let recipe = Recipe { services: services.into_iter().collect() };
        let mut file = [0; RECIPE_BYTES_MAX];
        let bytes = encode(&recipe, &mut file).expect("a recipe fits into its file");
        prop_assert_eq!(decode::<Recipe>(bytes), Ok(recipe));
    }

    #[test]
    fn damage_is_read_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), len: u8) {
        if let Some(first) = bytes.first_mut() {
            *first = len % 8;
        }
        if let Ok(recipe) = decode::<Recipe>(&bytes) {
            prop_assert!(recipe.services.len() <= SERVICES_MAX);
        }
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let mut buffer = [0; 16];
    for wrong in [(4u8, 100u16, 0u16, 0u16), (1, 0, 0, 0), (1, 1001, 0, 0), (1, 1, 1001, 0), (1, 1, 0, 101)] {
        let bytes = encode(&wrong, &mut buffer).expect("short");
        assert_eq!(decode::<Qos>(bytes), Err(Malformed), "{wrong:?}");
    }
    let bytes = encode(&(3u8, 500u16, 1000u16, 100u16), &mut buffer).expect("short");
    assert_eq!(decode::<Qos>(bytes).map(|qos| qos.shares), Ok(Shares::FREE_MAX));
}

#[test]
fn what_no_recipe_mentions_may_print_and_nothing_else() {
    let profile = Profile::DEFAULT;
    assert_eq!((profile.rights, profile.time, profile.restart), (Rights::LOG, Time::Coarse, Restart::Never));
    assert!(profile.uses.is_empty() && profile.privileges.is_empty());
}
