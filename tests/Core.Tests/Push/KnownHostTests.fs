module CellOS.Export.S3.Core.Tests.KnownHostTests

open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private urls =
    [
        "https://one.example/a"
        "https://two.example/b?c=d"
        "http://one.example:8080/a"
    ]
    |> List.map parsed

let private nvme = Set.singleton DigestAlgorithm.Crc64Nvme

type private Lesson =
    | RefusedExpect of RequestUrl
    | Reported of RequestUrl * second: int * Set<DigestAlgorithm>

let private learn (known: KnownHosts) (lesson: Lesson) =
    match lesson with
    | RefusedExpect url -> KnownHosts.withoutExpect url known
    | Reported(url, second, algorithms) ->
        KnownHosts.reporting url (noon.AddSeconds(float second)) algorithms known

let private lesson =
    gen {
        let! url = Gen.elements urls
        let! second = Gen.choose (0, 3)
        let! algorithms = Gen.subListOf [ DigestAlgorithm.Crc64Nvme; DigestAlgorithm.Crc32C ]

        return!
            Gen.elements [
                RefusedExpect url
                Reported(url, second, Set.ofList algorithms)
                Reported(url, second, Set.ofList algorithms)
            ]
    }

let private hosts = Gen.listOf lesson |> Gen.map (List.fold learn KnownHosts.none)

/// All that is known of the hosts.
let private all (known: KnownHosts) =
    urls
    |> List.map (fun url -> KnownHosts.refusesExpect url known, KnownHosts.reported url known)

[<Tests>]
let tests =
    testList "Known hosts" [
        testCase "an unknown host has reported nothing, and does not refuse Expect" (fun () ->
            Expect.equal (all KnownHosts.none) (urls |> List.map (fun _ -> false, None)) "nothing")

        testCase "a host is known by its name and port" (fun () ->
            let known = KnownHosts.none |> KnownHosts.reporting urls[0] noon nvme

            Expect.equal
                (urls |> List.map (fun url -> KnownHosts.reported url known))
                [ Some nvme; None; None ]
                "one of three")

        testCase "the latest report of a host counts, in whatever order pushes end" (fun () ->
            let early = KnownHosts.none |> KnownHosts.reporting urls[0] noon nvme

            let late = early |> KnownHosts.reporting urls[0] (noon.AddSeconds 5.) Set.empty

            for merged in [ KnownHosts.merge early late; KnownHosts.merge late early ] do
                Expect.equal (KnownHosts.reported urls[0] merged) (Some Set.empty) "the later one")

        testCase "a host that reports what it reported before changes nothing" (fun () ->
            let known = KnownHosts.none |> KnownHosts.reporting urls[0] noon nvme
            let again = known |> KnownHosts.reporting urls[0] (noon.AddSeconds 5.) nvme
            Expect.isTrue (obj.ReferenceEquals(known, again)) "the same object")

        property
            "merging is commutative, associative and idempotent"
            (Gen.zip3 hosts hosts hosts)
            (fun (a, b, c) ->
                let merge = KnownHosts.merge
                Expect.equal (all (merge a b)) (all (merge b a)) "commutative"
                Expect.equal (all (merge a (merge b c))) (all (merge (merge a b) c)) "associative"
                Expect.isTrue (obj.ReferenceEquals(merge a a, a)) "idempotent"
                let both = merge a b
                Expect.isTrue (obj.ReferenceEquals(merge both a, both)) "nothing new, nothing allocated")
    ]
