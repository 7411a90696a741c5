/// The clauses of `LockContract`, as arguments of one parameterised test.
public enum LockConformance {
    public static let clauses: [LockClause] =
        ExclusionClauses.all + FenceClauses.all + LeaseTimeClauses.all + RenewClauses.all + LockReleaseClauses.all + RecoverClauses.all
        + SuccessionClauses.all + ForceClauses.all + OutageClauses.all + LockClockClauses.all + SightClauses.all + WaitClauses.all
        + HistoryClauses.all
}
