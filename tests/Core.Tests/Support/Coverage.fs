/// How often generated values meet the cases that a law is about.
module CellOS.Export.S3.Core.Tests.Coverage

open System
open Expecto
open FsCheck
open FsCheck.FSharp

/// A case of a law, and whether a generated value meets it.
type Case<'a> = string * ('a -> bool)

/// Values that are the same in every run, of all the sizes that a property begins and ends with.
let sample (values: Gen<'a>) : 'a[] =
    [ 1; 25; 50; 75; 100 ]
    |> Seq.collect (fun size -> Gen.sampleWithSeed (Rnd(uint64 size, 1UL)) size 200 values)
    |> Array.ofSeq

/// The share of the values that meet each case.
let shares (values: 'a[]) (cases: Case<'a> list) : (string * float) list = [
    for name, meets in cases ->
        let count = values |> Array.sumBy (fun value -> if meets value then 1 else 0)
        name, float count / float values.Length
]

/// The least share with which a law has to meet each of its cases.
[<Literal>]
let LeastShare = 0.05

/// Rejects cases that too few of the values meet. `COVERAGE_SHARES=1` prints all shares.
let expectShares (values: 'a[]) (cases: Case<'a> list) =
    let shares = shares values cases

    if Environment.GetEnvironmentVariable "COVERAGE_SHARES" = "1" then
        for name, share in shares do
            printfn $"%5.1f{100. * share} %%  {name}"

    let rare = shares |> List.filter (fun (_, share) -> share < LeastShare)
    Expect.equal rare [] $"each case in at least {100. * LeastShare} %% of the runs"
