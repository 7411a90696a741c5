import PluginSettings
import TradingModel

extension PostgresConfiguration {
    /// Reads `url`, a connection URI; what is wrong with it becomes a problem of the settings.
    public static func url(reading settings: SettingsReader) -> Secret {
        let url = settings.requiredSecret("url")
        if !url.isEmpty, !PostgresConfiguration(url: url).isReadable {
            settings.problem(
                "\(settings.path).url is no connection URI such as postgresql://user@host:5432/database?sslmode=verify-full",
                at: settings.position(of: "url"))
        }
        return url
    }

    /// Reads `schema`, a name that needs no quotes in SQL.
    public static func schema(reading settings: SettingsReader, default standard: String) -> String {
        let schema = settings.text("schema") ?? standard
        if schema.wholeMatch(of: /[a-z_][a-z0-9_]{0,39}/) == nil || schema.hasPrefix("pg_") {
            settings.problem(
                "\(settings.path).schema must be 1 to 40 of lower-case letters, digits and _, not starting with a digit or pg_",
                at: settings.position(of: "schema"))
        }
        return schema
    }
}
