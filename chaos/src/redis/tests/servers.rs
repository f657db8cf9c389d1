//! Servers that fall behind, take over, and lose what they had.

use views::{Sink, Stored};

use super::world::{CLIENT, World, store};

#[tokio::test(start_paused = true)]
async fn a_replica_without_the_tail_moves_the_offset_back_and_holds_that_offsets_image() {
    let world = World::new(2);
    world.begin(10).await;
    world
        .network
        .servers(|servers| servers.replicate(1, usize::MAX));
    for to in 11..=15 {
        world.apply(to - 1, to).await;
    }
    let servers = &world.network;
    assert_eq!(servers.servers(|servers| servers.behind(1)), 5);
    servers.servers(|servers| servers.replicate(1, 3));
    world.assert_server_holds(1, 13);
    assert_eq!(world.held(2), None);
    servers.servers(|servers| servers.fail_over(1));
    world.assert_holds(13);
    assert_eq!(world.apply(15, 16).await, Stored::At(13));
    assert_eq!(world.apply(13, 17).await, Stored::At(17));
    world.assert_holds(17);
    for server in [0, 2] {
        servers.servers(|servers| servers.replicate(server, usize::MAX));
        world.assert_server_holds(server, 17);
    }
    // Functions are replicated too.
    world.names();
    servers.servers(|servers| servers.fail_over(2));
    assert_eq!(world.apply(17, 18).await, Stored::At(18));
    assert_eq!(world.names(), ["footfall_1_apply"]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_has_nothing_takes_over_and_the_partition_is_missing() {
    let world = World::new(1);
    world.begin(10).await;
    world.network.servers(|servers| servers.fail_over(1));
    assert_eq!(world.store.stored(0).await.unwrap(), Stored::Missing);
    assert_eq!(world.apply(10, 11).await, Stored::Missing);
    let filled = world.store.fill(&world.change(0, 11)).await.unwrap();
    assert_eq!(filled, Stored::At(11));
    world.assert_holds(11);
}

#[tokio::test(start_paused = true)]
async fn a_primary_that_comes_back_empty_empties_its_replicas_in_time() {
    let world = World::new(1);
    world.begin(10).await;
    let servers = &world.network;
    servers.servers(|servers| servers.replicate(1, usize::MAX));
    servers.servers(|servers| servers.restart_empty());
    assert_eq!(world.apply(10, 11).await, Stored::Missing);
    world.assert_server_holds(1, 10);
    servers.servers(|servers| servers.replicate(1, 1));
    assert!(servers.servers(|servers| servers.data(1).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn during_a_split_each_side_holds_an_image_and_healing_drops_the_old_one() {
    let world = World::new(2);
    world.begin(10).await;
    let servers = &world.network;
    servers.servers(|servers| servers.replicate(1, usize::MAX));
    world.apply(10, 12).await;
    servers.servers(|servers| servers.split(1));
    let other = store(servers, 2, &world.definition);
    assert_eq!(other.stored(0).await.unwrap(), Stored::At(10));
    assert_eq!(world.apply(12, 20).await, Stored::At(20));
    assert_eq!(
        other.apply(&world.change(10, 14)).await.unwrap(),
        Stored::At(14)
    );
    world.assert_server_holds(0, 20);
    world.assert_server_holds(1, 14);
    assert_eq!(servers.servers(|servers| servers.replicas()), [2]);
    assert_eq!(servers.servers(|servers| servers.server_of(CLIENT)), 0);
    servers.servers(|servers| servers.heal());
    assert_eq!(servers.servers(|servers| servers.server_of(CLIENT)), 1);
    assert_eq!(world.apply(20, 21).await, Stored::At(14));
    servers.servers(|servers| servers.replicate(0, usize::MAX));
    world.assert_server_holds(0, 14);
}
