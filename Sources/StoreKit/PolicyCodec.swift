import Foundation
import StoreContract
import Synchronization

/// Policies as JSON. There are few different ones, one per strategy and account, so both directions are remembered.
public final class PolicyCodec: Sendable {
    private struct Memory {
        var texts: [OrderPolicy: String] = [:]
        var policies: [String: OrderPolicy] = [:]
    }
    /// More than any configuration has; then the memory starts anew.
    private static let capacity = 1024
    public static let shared = PolicyCodec()
    private let memory = Mutex(Memory())

    public func text(_ policy: OrderPolicy) throws -> String {
        if let text = memory.withLock({ $0.texts[policy] }) { return text }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(policy), as: UTF8.self)
        remember(policy, text)
        return text
    }

    public func policy(_ text: String) throws -> OrderPolicy {
        if let policy = memory.withLock({ $0.policies[text] }) { return policy }
        let policy = try JSONDecoder().decode(OrderPolicy.self, from: Data(text.utf8))
        remember(policy, text)
        return policy
    }

    private func remember(_ policy: OrderPolicy, _ text: String) {
        memory.withLock { memory in
            if memory.policies.count >= Self.capacity { memory = Memory() }
            memory.texts[policy] = text
            memory.policies[text] = policy
        }
    }
}
