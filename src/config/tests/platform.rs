//! services.env and credentials.csv, as part of a stack.

use super::*;

/// What is said of a stack with these variables, whose deploy file has `more`.
fn said(env: &str, more: &str) -> String {
    let deploy = format!("version: 1\nstack: acme\n{more}");
    let folder = Map::new([
        ("config/products.yml", "products:\n"),
        ("config/deploy.yml", &deploy),
        ("config/services.env", env),
    ]);
    let mut diagnostics = Diagnostics::new();
    read(&folder, &mut diagnostics);
    lines(&diagnostics)
}

const POSTGRES: &str = "HOSTNAME=services.example.org\nPOSTGRES_PORT=5432\nPOSTGRES_DB=tb\nPOSTGRES_USER='acme'\nPOSTGRES_PASSWORD='kuchen-im-regen'\n";

#[test]
fn what_services_need_is_there() {
    assert_eq!(said(POSTGRES, ""), "");
    insta::assert_snapshot!(said(POSTGRES, "services: [postgresql]\n"), @r"
    E0147 config/deploy.yml:3:12 `services` is not supported yet
        help: run them as a product that is a compose file: `coasti import dtaas DIR` makes it of a DTaaS services project, and a site names it
    ");
    insta::assert_snapshot!(said("POSTGRES_PORT=5432\nPOSTGRES_PASSWORD=\n", "services: [postgres, postgress, x]\n"), @r"
    E0147 config/deploy.yml:3:12 `services` is not supported yet
        help: run them as a product that is a compose file: `coasti import dtaas DIR` makes it of a DTaaS services project, and a site names it
    E0138 config/deploy.yml:3:22 unknown service `postgress`
        help: did you mean `postgres`?
    E0138 config/deploy.yml:3:33 unknown service `x`
        help: one of `gitlab`, `grafana`, `influxdb`, `mongodb`, `postgres`, `rabbitmq`, `thingsboard`
    E0107 config/services.env:1:1 `HOSTNAME` is missing, which every service needs
    E0107 config/services.env:1:1 `POSTGRES_DB` is missing, which `postgres` needs
        config/deploy.yml:3:12 the service is listed here
    E0107 config/services.env:1:1 `POSTGRES_USER` is missing, which `postgres` needs
        config/deploy.yml:3:12 the service is listed here
    E0107 config/services.env:2:1 `POSTGRES_PASSWORD` is empty
    ");
    insta::assert_snapshot!(said("GRAFANA_PORT=8088\n", ""), @r"
    W0160 config/services.env:1:1 `grafana` is set in part
        help: missing: `GRAFANA_ADMIN_USERNAME`, `GRAFANA_ADMIN_PASSWORD`
    ");
    let folder = Map::new([
        ("config/products.yml", "products:\n"),
        (
            "config/deploy.yml",
            "stack: a\nservices: [grafana]\nusers: u.csv\n",
        ),
    ]);
    let mut diagnostics = Diagnostics::new();
    read(&folder, &mut diagnostics);
    insta::assert_snapshot!(lines(&diagnostics), @r"
    E0101 config/deploy.yml:2:12 `config/services.env` is missing
        ^ services are set there
    E0147 config/deploy.yml:2:12 `services` is not supported yet
        help: run them as a product that is a compose file: `coasti import dtaas DIR` makes it of a DTaaS services project, and a site names it
    E0101 config/deploy.yml:3:8 `config/u.csv` is missing
        help: its first line is `username,password,email`
    E0147 config/deploy.yml:3:8 `users` is not supported yet
        help: leave it out: `validate` checks `config/credentials.csv` all the same, and nobody is made of it
    ");
}

#[test]
fn values_are_checked() {
    let env = "HOSTNAME='a b'\nPOSTGRES_PORT=54321x\nRABBITMQ_PORT=0\nTHINGSBOARD_COAP_LwM2M_PORTS=5688-5683\n\
        POSTGRES_UID=-1\nTB_SYSADMIN_EMAIL=nobody\nSSL_VERIFY=maybe\nOAUTH_APPS=../x.json\nTHINGSBOARD_SCHEME=ftp\n\
        THINGSBOARD_INSTALL_TIMEOUT=5m\nINFLUXDB_ADMIN_PASSWORD=short\nGRAFANA_ADMIN_USERNAME=' x'\n";
    insta::assert_snapshot!(said(env, ""), @r"
    E0106 config/services.env:1:10 `HOSTNAME` cannot be `a b`
        help: a host name, such as `services.example.org`
    W0160 config/services.env:2:1 `postgres` is set in part
        help: missing: `POSTGRES_DB`, `POSTGRES_USER`, `POSTGRES_PASSWORD`
    E0106 config/services.env:2:15 `POSTGRES_PORT` cannot be `54321x`
        help: a port, 1 to 65535
    W0160 config/services.env:3:1 `rabbitmq` is set in part
        help: missing: `RABBITMQ_MANAGEMENT_PORT`, `RABBITMQ_MQTT_PORT`, `RABBITMQ_ADMIN_USERNAME`, `RABBITMQ_ADMIN_PASSWORD`
    E0106 config/services.env:3:15 `RABBITMQ_PORT` cannot be `0`
        help: a port, 1 to 65535
    W0160 config/services.env:4:1 `thingsboard` is set in part
        help: missing: `THINGSBOARD_PORT`, `THINGSBOARD_EDGE_RPC_PORT`, `THINGSBOARD_MQTT_PORT`, `THINGSBOARD_MQTT_SSL_PORT`, `TB_SYSADMIN_NEW_PASSWORD`, `TB_TENANT_TITLE`, `TB_TENANT_ADMIN_EMAIL`, `TB_TENANT_ADMIN_PASSWORD`
    E0106 config/services.env:4:30 `THINGSBOARD_COAP_LwM2M_PORTS` cannot be `5688-5683`
        help: a port or a range of them, such as `5683-5688`
    E0106 config/services.env:5:14 `POSTGRES_UID` cannot be `-1`
        help: the number of a user or group
    E0106 config/services.env:6:19 `TB_SYSADMIN_EMAIL` cannot be `nobody`
        help: an e-mail address
    E0106 config/services.env:7:12 `SSL_VERIFY` cannot be `maybe`
        help: `True` or `False`
    W0160 config/services.env:8:1 `gitlab` is set in part
        help: missing: `GITLAB_PORT`, `GITLAB_ROOT_NEW_PASSWORD`
    E0106 config/services.env:8:12 `OAUTH_APPS` cannot be `../x.json`
        help: the name of a file in `config/`
    E0106 config/services.env:9:20 `THINGSBOARD_SCHEME` cannot be `ftp`
        help: `http` or `https`
    E0106 config/services.env:10:29 `THINGSBOARD_INSTALL_TIMEOUT` cannot be `5m`
        help: a whole number of seconds
    W0160 config/services.env:11:1 `influxdb` is set in part
        help: missing: `INFLUXDB_PORT`, `INFLUXDB_ADMIN_USERNAME`, `INFLUXDB_ORG`, `INFLUXDB_BUCKET`
    E0106 config/services.env:11:25 `INFLUXDB_ADMIN_PASSWORD` is not one that the service takes
        help: at least 8 characters: the service takes no fewer
    W0160 config/services.env:12:1 `grafana` is set in part
        help: missing: `GRAFANA_PORT`, `GRAFANA_ADMIN_PASSWORD`
    E0106 config/services.env:12:24 `GRAFANA_ADMIN_USERNAME` cannot be ` x`
        help: a name, with no blanks around it
    ");
    let env = "GRAFANA_ADMIN_USERNAME=dtaas\nGRAFANA_ADMIN_PASSWORD=DTaaS\nGITLAB_ROOT_NEW_PASSWORD=12345678901\nGRAFANA_PORT=1\nGITLAB_PORT=1\n";
    insta::assert_snapshot!(said(env, ""), @r"
    W0158 config/services.env:2:24 `GRAFANA_ADMIN_PASSWORD` is weak
        ^ everybody knows it: it stands in templates or in lists of common ones
        help: a long random one, before anybody can reach the service
    W0158 config/services.env:3:26 `GITLAB_ROOT_NEW_PASSWORD` is weak
        ^ it has digits only
        help: a long random one, before anybody can reach the service
    E0132 config/services.env:5:13 `GRAFANA_PORT` and `GITLAB_PORT` have one port
        ^ the second
        config/services.env:4:14 the first
    ");
}

#[test]
fn lines_of_a_pasted_key_are_not_told() {
    let told = said(&format!("{}\n", "MIIEvQ".repeat(10)), "");
    assert!(
        told.contains("`NAME` has no value") && !told.contains("MIIE"),
        "{told}"
    );
}

#[test]
fn names_are_checked() {
    let env = "THINGSBOARD_COAP_LWM2M_PORTS=5683\nRABBIT_UDI=1\nSERVICES_UID=1\nHOSTNAME=a.org\nHOSTNAME=b.org\nGROUPID\nexport USERID=5\n";
    insta::assert_snapshot!(said(env, ""), @r"
    W0159 config/services.env:1:1 no service reads `THINGSBOARD_COAP_LWM2M_PORTS`
        help: did you mean `THINGSBOARD_COAP_LwM2M_PORTS`?
    W0159 config/services.env:2:1 no service reads `RABBIT_UDI`
        help: did you mean `RABBIT_UID`?
    W0159 config/services.env:3:1 no service reads `SERVICES_UID`
    E0103 config/services.env:5:1 `HOSTNAME` stands twice
        ^ the second
        config/services.env:4:1 the first
    E0102 config/services.env:6:1 `GROUPID` has no value
        help: `GROUPID=value`
    ");
    let env = "HOSTNAME=a.org\nTB_SYSADMIN_EMAIL=admin@${HOSTNAME}\nTB_TENANT_ADMIN_EMAIL=\"x@${DOMAIN:-b.org}\"\nTB_TENANT_TITLE=${HOSTNAM}\n\
        RABBITMQ_ADMIN_USERNAME='${HOSTNAME}'\nRABBITMQ_ADMIN_PASSWORD='a${b}-kuchen'\n";
    insta::assert_snapshot!(said(env, ""), @r"
    W0160 config/services.env:2:1 `thingsboard` is set in part
        help: missing: `THINGSBOARD_PORT`, `THINGSBOARD_EDGE_RPC_PORT`, `THINGSBOARD_MQTT_PORT`, `THINGSBOARD_MQTT_SSL_PORT`, `THINGSBOARD_COAP_LwM2M_PORTS`, `TB_SYSADMIN_NEW_PASSWORD`, `TB_TENANT_ADMIN_PASSWORD`
    E0107 config/services.env:4:1 `TB_TENANT_TITLE` is empty
    E0126 config/services.env:4:17 `${HOSTNAM}` names no variable above
        help: did you mean `${HOSTNAME}`?
    W0160 config/services.env:5:1 `rabbitmq` is set in part
        help: missing: `RABBITMQ_PORT`, `RABBITMQ_MANAGEMENT_PORT`, `RABBITMQ_MQTT_PORT`
    ");
}

#[test]
fn the_template_of_today_is_whole_and_weak() {
    let Some(root) = inputs() else {
        return;
    };
    let env =
        std::fs::read_to_string(root.join("dtaas-services/config/services.env.template")).unwrap();
    let all = "services: [rabbitmq, influxdb, mongodb, grafana, postgres, thingsboard, gitlab]\n";
    let text = said(&env, all);
    let codes: Vec<_> = text
        .lines()
        .filter_map(|line| line.get(..5))
        .filter(|code| code.starts_with(['E', 'W']))
        .collect();
    assert_eq!(
        codes.iter().filter(|code| **code == "W0158").count(),
        8,
        "{text}"
    );
    assert_eq!(
        codes.iter().filter(|code| **code == "E0147").count(),
        1,
        "{text}"
    );
    assert_eq!(codes.len(), 9, "{text}");

    let users =
        std::fs::read_to_string(root.join("dtaas-services/config/credentials.csv.template"))
            .unwrap();
    let folder = Map::new([
        ("config/products.yml", "products:\n"),
        ("config/deploy.yml", "stack: a\n"),
        ("config/credentials.csv", &users),
    ]);
    let mut diagnostics = Diagnostics::new();
    assert!(read(&folder, &mut diagnostics).is_some());
    insta::assert_snapshot!(lines(&diagnostics), @r"
    W0158 config/credentials.csv:2:7 the password of `user1` is weak
        ^ everybody knows it: it stands in templates or in lists of common ones
        help: a long random one, or four words
    W0158 config/credentials.csv:3:7 the password of `user2` is weak
        ^ everybody knows it: it stands in templates or in lists of common ones
        help: a long random one, or four words
    ");
}
