//! Signing in with an access key, and what people with few rights see.

use std::path::Path;
use std::sync::OnceLock;

use super::browse;
use super::life::{add_passenger, fill_in_flight, flight_number};
use super::page::Page;
use crate::access_keys::keys;
use crate::system::System;

async fn sign_in(page: &Page, key: &str) {
    page.sees(("h1", "Sign in")).await;
    page.fills("input[type=password]", key).await;
    page.clicks(("button", "Sign in with a key")).await;
}

#[tokio::test]
async fn people_sign_in_do_what_they_may_and_see_who_may_do_the_rest() {
    let made = OnceLock::new();
    let prepare = |data_dir: &Path| {
        let keys = [("Control", "dispatcher"), ("Window", "viewer")]
            .map(|(name, role)| keys(data_dir, &["create", "--name", name, "--role", role]));
        made.set(keys).unwrap();
    };
    let system = System::start_prepared(prepare, &["--authentication", "keys"]);
    browse(system, async |_, page| {
        let [dispatcher, viewer] = made.get().unwrap();
        let number = flight_number();
        page.opens("/?tab=all").await;
        page.comes_to("/sign-in?return=*").await;
        sign_in(page, dispatcher).await;
        page.sees(("#who", "Control")).await;
        page.clicks(("button", "New flight")).await;
        fill_in_flight(page, &number).await;
        page.submits().await;
        page.sees(("h1", &number)).await;
        add_passenger(page, "Ada Lovelace").await;

        page.clicks(("#who button", "Sign out")).await;
        sign_in(page, viewer).await;
        page.sees(("a.number", &number)).await;
        page.sees(("p", "Only dispatchers and admins may add and change flights.")).await;
        page.sees_no(("button", "New flight")).await;
        page.sees_no(("nav a", "Audit log")).await;
        page.clicks(("a.number", &number)).await;
        page.sees((".passengers a.name", "Ada Lovelace")).await;
        page.sees(("p", "Only agents, dispatchers and admins may add and change passengers.")).await;
        page.sees_no(("button", "Board")).await;
        page.sees("#link-state[data-status=live]").await;
    })
    .await;
}
