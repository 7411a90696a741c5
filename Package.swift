// swift-tools-version: 6.2
import PackageDescription

// The folders are the architecture: `Contracts` knows nobody, `Sources` knows the contracts, a plugin knows
// the contracts and the kits, and only the executable knows the plugins.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .define("FAILPOINTS", .when(traits: ["FailPoints"])),
]

func contract(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Contracts/\(name)", exclude: ["README.md"], swiftSettings: strict)
}

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: strict)
}

/// A plugin's module, and its test target beside it.
func plugin(_ name: String, _ dependencies: [Target.Dependency], tests: [Target.Dependency]) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, path: "Plugins/\(name)/Sources", swiftSettings: strict),
        .testTarget(
            name: "\(name)Tests", dependencies: [.byName(name: name)] + tests, path: "Plugins/\(name)/Tests",
            swiftSettings: strict),
    ]
}

/// An adapter: the plugin, its tests, and the simulator of its venue.
func adapter(
    _ name: String, _ dependencies: [Target.Dependency], simulator: [Target.Dependency], tests: [Target.Dependency],
    resources: [Resource] = []
) -> [Target] {
    plugin(name, dependencies, tests: tests + [.byName(name: "\(name)Simulator")]) + [
        .target(
            name: "\(name)Simulator", dependencies: simulator, path: "Plugins/\(name)/Simulator", swiftSettings: strict)
    ]
}

/// The same with what an adapter for a REST venue and its simulator need, as `turnstile adapter new` makes it.
func adapter(_ name: String, adding more: [Target.Dependency] = []) -> [Target] {
    let contracts: [Target.Dependency] = ["TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract"]
    let simulator: [Target.Dependency] = ["ConformanceKit", "SimulatorKit", "ServerKit", hummingbird, httpTypes, logging, crypto] + nio
    return adapter(
        name, contracts + ["AdapterKit", logging, crypto] + more, simulator: contracts + simulator + more,
        tests: contracts + ["AdapterKit", "SimulatorKit", "ConformanceKit", "TestSupport", logging, crypto] + more)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, swiftSettings: strict)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let contracts: [Target] = [
    contract("TradingModel"),
    contract("PluginSettings", ["TradingModel"]),
    contract("BrokerContract", ["TradingModel", "PluginSettings", logging]),
    contract("ExchangeContract", ["TradingModel", "BrokerContract"]),
    contract("LockContract", ["TradingModel", "PluginSettings", logging]),
    contract("RateLimitContract", ["TradingModel", "PluginSettings", logging]),
    contract("StoreContract", ["TradingModel", "PluginSettings", "LockContract", "RateLimitContract", logging]),
]

/// Adapters of authors: the program knows each of them with its simulator.
let newAdapters: [[Target]] = [
    // turnstile adapter new: one line above this one
]

let core: [Target] = [
    module("FailPoints", []),
    .systemLibrary(name: "CHiredis", path: "Sources/CHiredis", providers: [.apt(["libhiredis-dev"])]),
    module("RedisKit", ["TradingModel", "PluginSettings", "CHiredis", nioSSL] + nio),
    module("StoreKit", ["TradingModel", "LockContract", "StoreContract", crypto]),
    .systemLibrary(name: "CLibpq", path: "Sources/CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CEpoll", path: "Sources/CEpoll"),
    module("PostgresKit", ["TradingModel", "PluginSettings", "CLibpq", "CEpoll"]),
    module("OrderFlow", ["TradingModel", "BrokerContract", "StoreContract", crypto]),
    module(
        "Gateway",
        [
            "TradingModel", "BrokerContract", "ExchangeContract", "LockContract", "StoreContract", "RateLimitContract",
            "OrderFlow", "FailPoints", logging, lifecycle, crypto,
        ]),
    module(
        "ServerKit",
        [hummingbird, hummingbirdCore, logging, httpTypes, nioWebSocket, nioHTTPTypes, nioHTTPTypesHTTP1, nioSSL] + nio),
    module(
        "GatewayAPI",
        [
            "TradingModel", "BrokerContract", "StoreContract", "LockContract", "OrderFlow", "Gateway", "ServerKit",
            "FailPoints", hummingbird, hummingbirdCore, httpTypes, nioHTTPTypes, logging, crypto, lifecycle,
        ] + nio),
    module(
        "GatewayConfiguration",
        ["TradingModel", "PluginSettings", "BrokerContract", "LockContract", "StoreContract", "RateLimitContract", "OrderFlow", "Gateway", yams, crypto]),
    module(
        "AdapterKit",
        ["TradingModel", "BrokerContract", "FailPoints", asyncHTTPClient, logging, crypto, nioWebSocket, nioSSL] + nio),
    module("SimulatorKit", ["TradingModel", "ServerKit", hummingbird, httpTypes, logging, crypto] + nio),
    module(
        "ConformanceKit",
        [
            "TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "LockContract", "StoreContract", "RateLimitContract", logging,
            crypto, nioSSL,
        ] + nio),
    module(
        "SimulationKit",
        ["TradingModel", "BrokerContract", "LockContract", "StoreContract", "StoreKit", "OrderFlow", "Gateway", logging]),
    .executableTarget(name: "turnstile-sim", dependencies: ["SimulationKit", argumentParser], path: "Sources/turnstile-sim", swiftSettings: strict),
    .executableTarget(
        name: "turnstile",
        dependencies: [
            "TradingModel", "PluginSettings", "BrokerContract", "LockContract", "StoreContract", "OrderFlow", "Gateway",
            "GatewayAPI", "GatewayConfiguration", "ConformanceKit", "SimulatorKit", "ServerKit", "BinanceStyle",
            "BinanceStyleSimulator", "Coinbase", "CoinbaseSimulator", "Tradovate", "TradovateSimulator", "Paper",
            "SQLiteStore", "PostgresStore", "MemoryLock", "SQLiteLock", "RedisLock", "RedisKit", "EtcdLock", "PostgresLock", "PostgresKit",
            "RateLimitContract", "RedisRateLimit", argumentParser, asyncHTTPClient, logging,
            lifecycle, crypto,
        ] + nio + newAdapters.joined().filter { $0.type == .regular }.map { .byName(name: $0.name) },
        path: "Sources/turnstile", swiftSettings: strict),
]

let plugins: [Target] =
    adapter(
        "BinanceStyle",
        ["TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "AdapterKit", logging, crypto] + nio,
        simulator: [
            "TradingModel", "BrokerContract", "ConformanceKit", "SimulatorKit", "ServerKit", hummingbird, httpTypes, logging, crypto,
        ] + nio,
        tests: [
            "TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "AdapterKit", "SimulatorKit", "ConformanceKit", "TestSupport",
            logging, crypto,
        ])
    + adapter(
        "Coinbase",
        ["TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "AdapterKit", logging, crypto] + nio,
        simulator: ["TradingModel", "BrokerContract", "ConformanceKit", "SimulatorKit", "ServerKit", hummingbird, httpTypes, logging, crypto] + nio,
        tests: [
            "TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "AdapterKit", "SimulatorKit", "ConformanceKit",
            "TestSupport", logging, crypto, asyncHTTPClient,
        ])
    + adapter(
        "Tradovate", ["TradingModel", "PluginSettings", "BrokerContract", "AdapterKit", logging, crypto] + nio,
        simulator: ["TradingModel", "BrokerContract", "ConformanceKit", "SimulatorKit", "ServerKit", hummingbird, httpTypes, logging, crypto] + nio,
        tests: [
            "TradingModel", "PluginSettings", "BrokerContract", "AdapterKit", "SimulatorKit", "ConformanceKit", "TestSupport", logging,
            asyncHTTPClient,
        ])
    + plugin(
        "Paper", ["TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "SimulatorKit", logging],
        tests: ["TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "SimulatorKit", "ConformanceKit", "TestSupport", logging])
    + [
        .target(
            name: "CSQLiteSettings", path: "Plugins/SQLiteStore/CSQLiteSettings", linkerSettings: [.linkedLibrary("sqlite3")])
    ]
    + plugin(
        "SQLiteStore",
        ["TradingModel", "PluginSettings", "LockContract", "StoreContract", "StoreKit", "FailPoints", "CSQLiteSettings", grdb, sqlite, logging],
        tests: [
            "TradingModel", "LockContract", "StoreContract", "StoreKit", "ConformanceKit", "OrderFlow", "FailPoints", "TestSupport", grdb, logging,
        ])
    + plugin(
        "PostgresStore",
        ["TradingModel", "PluginSettings", "LockContract", "StoreContract", "StoreKit", "PostgresKit", "FailPoints", logging],
        tests: [
            "TradingModel", "PluginSettings", "LockContract", "StoreContract", "StoreKit", "ConformanceKit", "PostgresKit", "TestSupport", logging,
        ])
    + plugin(
        "MemoryLock", ["TradingModel", "PluginSettings", "LockContract"],
        tests: ["TradingModel", "LockContract", "PluginSettings", "ConformanceKit", "TestSupport", logging])
    + plugin(
        "SQLiteLock", ["TradingModel", "PluginSettings", "LockContract", grdb, logging],
        tests: ["TradingModel", "LockContract", "PluginSettings", "ConformanceKit", "TestSupport", grdb, logging])

    + plugin(
        "RedisLock", ["TradingModel", "PluginSettings", "LockContract", "RedisKit", logging],
        tests: ["TradingModel", "LockContract", "PluginSettings", "RedisKit", "ConformanceKit", "TestSupport", logging])
    + plugin(
        "EtcdLock", ["TradingModel", "PluginSettings", "BrokerContract", "LockContract", "AdapterKit", logging],
        tests: ["TradingModel", "LockContract", "PluginSettings", "ConformanceKit", "TestSupport", logging])

    + plugin(
        "PostgresLock", ["TradingModel", "PluginSettings", "LockContract", "PostgresKit"],
        tests: ["TradingModel", "LockContract", "PluginSettings", "PostgresKit", "ConformanceKit", "TestSupport", logging])

    + plugin(
        "RedisRateLimit", ["TradingModel", "PluginSettings", "RateLimitContract", "RedisKit"],
        tests: ["TradingModel", "PluginSettings", "RateLimitContract", "RedisKit", "ConformanceKit", "TestSupport", logging])

    // What `turnstile adapter new` copies. Built and tested like an adapter, but no part of the program.
    + adapter("NewVenue") + newAdapters.joined()

let testTargets: [Target] = [
    .target(
        name: "TestSupport",
        dependencies: [
            "TradingModel", "BrokerContract", "LockContract", "StoreContract", "PluginSettings", "ConformanceKit", logging, asyncHTTPClient,
        ] + nio,
        path: "Tests/TestSupport", swiftSettings: strict),
    tests("TradingModelTests", ["TradingModel", "PluginSettings"]),
    tests("OrderFlowTests", ["TradingModel", "LockContract", "StoreContract", "BrokerContract", "OrderFlow"]),
    tests(
        "GatewayTests",
        [
            "TradingModel", "BrokerContract", "LockContract", "StoreContract", "OrderFlow", "Gateway", "GatewayAPI", "SQLiteStore",
            "MemoryLock", "RateLimitContract", "RedisRateLimit", "RedisKit", "ConformanceKit", "AdapterKit", "TestSupport", asyncHTTPClient, logging, lifecycle, grdb,
        ] + nio),
    tests(
        "GatewayConfigurationTests",
        [
            "GatewayConfiguration", "PluginSettings", "TradingModel", "BrokerContract", "LockContract", "StoreContract", "OrderFlow",
            "Gateway", "turnstile", "TestSupport", logging,
        ]),
    tests("TransportTests", ["AdapterKit", "ServerKit", "BrokerContract", "TradingModel", "TestSupport", asyncHTTPClient, nioWebSocket] + nio),
    tests("SimulatorKitTests", ["SimulatorKit", "ServerKit", "TradingModel", "TestSupport", asyncHTTPClient] + nio),
    tests(
        "ConformanceKitTests",
        [
            "ConformanceKit", "TradingModel", "PluginSettings", "BrokerContract", "ExchangeContract", "LockContract", "RedisKit", "RedisLock",
            "BinanceStyle",
            "BinanceStyleSimulator", "Paper", "SimulatorKit", "TestSupport", "turnstile", logging,
        ] + nio),
    tests(
        "AdapterCommandTests",
        [
            "ConformanceKit", "TradingModel", "StoreContract", "BrokerContract", "ExchangeContract", "PluginSettings", "GatewayConfiguration", "BinanceStyle",
            "BinanceStyleSimulator", "NewVenue", "NewVenueSimulator", "TestSupport", "turnstile", logging,
        ]),
    tests("PostgresKitTests", ["PostgresKit", "TradingModel", "ConformanceKit", "TestSupport"]),
    tests("CrashTests", ["TestSupport", "TradingModel", "FailPoints", asyncHTTPClient] + nio),
    tests(
        "SimulationTests", ["SimulationKit", "turnstile-sim", "TradingModel", "StoreContract", "LockContract", "ConformanceKit", "TestSupport"],
        exclude: ["Regressions"]),
    tests(
        "ClusterTests",
        ["TestSupport", "ConformanceKit", "TradingModel", "LockContract", "RedisKit", "RedisLock", "EtcdLock", "PostgresLock", logging]),
    tests("EndToEndTests", ["TestSupport", "TradingModel", "ConformanceKit", asyncHTTPClient, sqlite] + nio),
    .testTarget(name: "GuardTests", path: "Tests/GuardTests", exclude: ["guards.txt"], swiftSettings: strict),
    tests(
        "ProofTests",
        [
            "TestSupport", "TradingModel", "BrokerContract", "LockContract", "StoreContract", "OrderFlow", "ConformanceKit", "SimulatorKit",
            "BinanceStyle", "BinanceStyleSimulator", "Coinbase", "CoinbaseSimulator", "Tradovate", "TradovateSimulator", "SQLiteStore",
            "PluginSettings", asyncHTTPClient, logging,
        ] + nio),
]

let package = Package(
    name: "turnstile",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "turnstile", targets: ["turnstile"]),
        .library(name: "BrokerContract", targets: ["TradingModel", "PluginSettings", "BrokerContract"]),
        .library(name: "ExchangeContract", targets: ["ExchangeContract"]),
        .library(name: "LockContract", targets: ["LockContract"]),
        .library(name: "StoreContract", targets: ["StoreContract"]),
        .library(name: "AdapterKit", targets: ["AdapterKit"]),
        .library(name: "SimulatorKit", targets: ["SimulatorKit"]),
    ],
    traits: [
        .trait(name: "FailPoints", description: "Named points at which a test can kill, stop or delay the process. For test builds only.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: contracts + core + plugins + testTargets + [
        .executableTarget(
            name: "turnstile-bench",
            dependencies: [
                "TradingModel", "BrokerContract", "StoreContract", "StoreKit", "SQLiteStore", "PostgresStore", "AdapterKit", "BinanceStyle",
                "Coinbase", "Tradovate", "LockContract", "MemoryLock", "SQLiteLock", "RedisLock", "RedisKit", "PostgresLock", "EtcdLock",
                "ConformanceKit", histogram, argumentParser, asyncHTTPClient, grdb, crypto, logging,
            ] + nio,
            path: "Benchmarks/turnstile-bench", swiftSettings: strict)
    ],
    swiftLanguageModes: [.v6]
)
