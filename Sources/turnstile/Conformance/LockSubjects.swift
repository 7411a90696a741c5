import ArgumentParser
import ConformanceKit
import EtcdLock
import LockContract
import Logging
import MemoryLock
import PostgresKit
import PostgresLock
import RedisKit
import RedisLock
import SQLiteLock
import TradingModel

/// How `locks verify` reaches one kind of lock backend.
struct LockSubject: Sendable {
    /// The word after `type:` in the configuration.
    let id: String
    /// With a URL it is the server there, else one that the harness starts.
    let makeHarness: @Sendable (_ url: String?) throws -> any LockHarness
}

func allLockSubjects() -> [LockSubject] {
    [
        LockSubject(id: MemoryLockPlugin.id) { url in
            try refuse(url)
            return LocalLockHarness(name: MemoryLockPlugin.id, isInMemory: true) { folder, wiring in
                try MemoryLockPlugin.makeBackend(.init(), context: context(wiring, folder))
            }
        },
        LockSubject(id: SQLiteLockPlugin.id) { url in
            try refuse(url)
            return LocalLockHarness(name: SQLiteLockPlugin.id, isInMemory: false) { folder, wiring in
                try SQLiteLockPlugin.makeBackend(.init(path: folder + "/locks.db"), context: context(wiring, folder))
            }
        },
        LockSubject(id: RedisLockPlugin.id) { url in
            guard let url else {
                return RedisLockHarness { port, wiring in
                    try RedisLockPlugin.makeBackend(.init(options: RedisOptions(port: port)), context: context(wiring))
                }
            }
            guard let options = RedisOptions(url: url) else { throw ValidationError("--url must be redis://host:port or rediss://host:port") }
            return RemoteLockHarness(name: RedisLockPlugin.id) { wiring in
                try RedisLockPlugin.makeBackend(.init(options: options), context: context(wiring))
            }
        },
        LockSubject(id: EtcdLockPlugin.id) { url in
            guard let url else {
                return EtcdLockHarness { port, wiring in
                    try EtcdLockPlugin.makeBackend(.init(endpoints: ["http://127.0.0.1:\(port)"]), context: context(wiring))
                }
            }
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw ValidationError("--url must be http://host:port or https://host:port") }
            return RemoteLockHarness(name: EtcdLockPlugin.id) { wiring in
                try EtcdLockPlugin.makeBackend(.init(endpoints: [url]), context: context(wiring))
            }
        },
        LockSubject(id: PostgresLockPlugin.id) { url in
            guard let url else {
                return PostgresLockHarness { server, wiring in
                    try PostgresLockPlugin.makeBackend(
                        .init(url: Secret(server.url(port: wiring.port)), connectTimeout: .seconds(3)), context: context(wiring))
                }
            }
            let secret = Secret(url)
            guard PostgresConfiguration(url: secret).isReadable else { throw ValidationError("--url must be postgresql://user@host:port/database") }
            return RemoteLockHarness(name: PostgresLockPlugin.id) { wiring in
                try PostgresLockPlugin.makeBackend(.init(url: secret), context: context(wiring))
            }
        },
    ]
}

private func refuse(_ url: String?) throws {
    if url != nil { throw ValidationError("this backend has no server: leave --url out") }
}

@Sendable private func context(_ wiring: LockWiring, _ folder: String = "") -> LockContext {
    LockContext(clock: wiring.clock, logger: Logger(label: "locks", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: folder)
}
