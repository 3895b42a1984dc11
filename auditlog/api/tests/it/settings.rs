#[test]
fn every_setting_is_documented() {
    jetbridge_testing::assert_settings_documented(env!("CARGO_BIN_EXE_auditlog-api"));
}
