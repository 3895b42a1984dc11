use gateway::{Config, TrustedProxies};
use jetbridge_testing::TestService;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use shared_access::Role;

use crate::forwarding::echo;
use crate::keys::{Keys, get};
use crate::support::{all_at, config, expect_problem, nobody, serve, start};

struct Proxied {
    gateway: TestService,
    _service: TestService,
}

impl Proxied {
    /// A gateway that believes what these say about where requests come from.
    async fn by(networks: &[&str]) -> Self {
        let service = serve(echo("flight")).await;
        let trusted_proxies = TrustedProxies(networks.iter().map(|network| network.parse().unwrap()).collect());
        let gateway = start(Config { trusted_proxies, ..config(all_at(service.address())) }).await;
        Self { gateway, _service: service }
    }

    fn ask(&self, headers: &[(&str, &str)]) -> RequestBuilder {
        let request = Client::new().get(self.gateway.url("/api/flights"));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    async fn seen(&self, headers: &[(&str, &str)]) -> Value {
        self.ask(headers).send().await.unwrap().json::<Value>().await.unwrap()["headers"].clone()
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_request_comes_from_read_from_the_right() {
    let proxied = Proxied::by(&["127.0.0.1", "10.0.0.0/8", "fd00::/8"]).await;
    for (header, value, client) in [
        ("forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60, 127.0.0.1"),
        ("forwarded", "for=6.6.6.6, for=192.0.2.60", "192.0.2.60, 127.0.0.1"),
        ("forwarded", "for=6.6.6.6, For=\"192.0.2.60:4711\", for=10.1.2.3", "192.0.2.60, 127.0.0.1"),
        ("forwarded", "for=\"[2001:db8::17]:4711\"", "2001:db8::17, 127.0.0.1"),
        ("forwarded", "for=192.0.2.60, for=\"[fd00::1]\"", "192.0.2.60, 127.0.0.1"),
        ("forwarded", "for=\"6.6.6.6, for=7.7.7.7\";x=1, for=192.0.2.60", "400"),
        ("forwarded", "host=\"a,for=6.6.6.6;b\", for=192.0.2.60", "192.0.2.60, 127.0.0.1"),
        ("forwarded", "for=6.6.6.6, for=unknown", "127.0.0.1"),
        ("forwarded", "for=6.6.6.6, for=_hidden, for=10.0.0.1", "10.0.0.1, 127.0.0.1"),
        ("forwarded", "for=6.6.6.6, proto=https", "127.0.0.1"),
        ("forwarded", "for=10.0.0.1", "10.0.0.1, 127.0.0.1"),
        ("forwarded", "for=\"192.0.2.60", "400"),
        ("forwarded", "for=somewhere", "400"),
        ("forwarded", "192.0.2.60", "400"),
        ("forwarded", "for=192.0.2.60;proto=gopher", "400"),
        ("x-forwarded-for", "192.0.2.60", "192.0.2.60, 127.0.0.1"),
        ("x-forwarded-for", "6.6.6.6, 192.0.2.60", "192.0.2.60, 127.0.0.1"),
        ("x-forwarded-for", "6.6.6.6, 192.0.2.60, 10.9.9.9", "192.0.2.60, 127.0.0.1"),
        ("x-forwarded-for", "2001:db8::17", "2001:db8::17, 127.0.0.1"),
        ("x-forwarded-for", "nobody", "400"),
    ] {
        if client == "400" {
            expect_problem(proxied.ask(&[(header, value)]), 400, "malformed-header").await;
        } else {
            assert_eq!(proxied.seen(&[(header, value)]).await["x-forwarded-for"], client, "{header}: {value}");
        }
    }
    let both = [("forwarded", "for=192.0.2.60"), ("x-forwarded-for", "192.0.2.60")];
    expect_problem(proxied.ask(&both), 400, "malformed-header").await;
    let two = proxied.seen(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.60")]).await;
    assert_eq!(two["x-forwarded-for"], "192.0.2.60, 127.0.0.1");
    let https = proxied.seen(&[("forwarded", "for=192.0.2.60;proto=https;host=a.example")]).await;
    assert_eq!((&https["x-forwarded-proto"], &https["x-forwarded-host"]), (&"https".into(), &"a.example".into()));
    assert_eq!(https["forwarded"], Value::Null);
}

#[tokio::test]
async fn what_another_says_of_that_is_not_believed() {
    let proxied = Proxied::by(&["10.0.0.0/8"]).await;
    for (header, value) in [("forwarded", "for=10.0.0.1"), ("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=\"")] {
        assert_eq!(proxied.seen(&[(header, value)]).await["x-forwarded-for"], "127.0.0.1", "{header}: {value}");
    }
}

#[tokio::test]
async fn only_this_machine_and_admins_see_what_a_gateway_lacks() {
    let keys = Keys::new();
    let [viewer, admin] = [Role::Viewer, Role::Admin].map(|role| keys.create(role.as_str(), role));
    let trusted_proxies = TrustedProxies(vec!["127.0.0.1".parse().unwrap()]);
    let services = all_at(nobody().await);
    let gateway = start(Config { trusted_proxies, authentication: keys.authentication(), ..config(services) }).await;
    let ready = "/health/ready";
    let elsewhere = |request: RequestBuilder| request.header("x-forwarded-for", "192.0.2.60");
    expect_problem(elsewhere(Client::new().get(gateway.url(ready))), 401, "authentication-required").await;
    expect_problem(elsewhere(get(&gateway, ready, &viewer)), 403, "not-allowed").await;
    for request in [elsewhere(get(&gateway, ready, &admin)), Client::new().get(gateway.url(ready))] {
        let health: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(health["status"], "down");
    }
}
