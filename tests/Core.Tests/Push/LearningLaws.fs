/// Laws over sequences of pushes to several hosts: what the sink learns of each host, and what follows for the digests.
module CellOS.Export.S3.Core.Tests.LearningLaws

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Coverage
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private md5Of = DigestAlgorithm.Md5
let private nvme = DigestAlgorithm.Crc64Nvme

/// Hosts that differ in their name, or in their port alone.
let private hosts = [ "https://one.example"; "https://two.example"; "https://one.example:8443" ]

let private urlOf (host: string) =
    $"{host}/evidence/cell-1/logs/out.txt?{(v4 3600).Split('?')[1]}"

/// What a host answers to one push.
type private Answer =
    /// A success that reports these digests, with an ETag that is the MD5 or says nothing.
    | Success of reported: DigestAlgorithm list * hasMd5Tag: bool
    /// A success that reports the CRC-64/NVME of other bytes.
    | Wrong
    /// An error, which ends the push.
    | Refusal

type private Push' = {
    Host: string
    Mode: IntegrityMode
    Answer: Answer
}

let private header (digest: Digest) =
    match digest.Algorithm with
    | DigestAlgorithm.Crc64Xz -> "x-oss-hash-crc64ecma", string (Convert.ToUInt64(digest.Hex, 16))
    | DigestAlgorithm.Md5 -> "content-md5", digest.Base64
    | algorithm -> $"x-amz-checksum-{algorithm.Name}", digest.Base64

let private success (sent: Sent) (headers: (string * string) list) =
    Reply.read
        200
        (pairs (("x-amz-request-id", "R1") :: headers))
        ReadOnlyMemory.Empty
        BodyEnd.Whole
        (Some sent)

/// The response to an upload whose pass took these digests.
let private respond (sent: Sent) (answer: Answer) =
    match answer with
    | Success(reported, hasMd5Tag) ->
        success sent [
            for digest in digestsOf reported do
                header digest
            "ETag", (if hasMd5Tag then $"\"{md5}\"" else "\"not an MD5\"")
        ]
    | Wrong ->
        Outcomes.otherDigests
        |> List.filter (fun digest -> digest.Algorithm = nvme)
        |> List.map header
        |> success sent
    | Refusal -> error 403 "AccessDenied" "no"

/// What one push asked for, and how it ended.
type private Done = {
    Push: Push'
    /// What the pass that sends takes besides SHA-256.
    Taken: DigestAlgorithm list
    /// What is taken after the response, in another reading of the file.
    TakenAfter: DigestAlgorithm list
    End: Result<string, FailureKind>
}

/// One push of a sink that knows what the pushes before it have learnt: what it did, and what is known then.
let private run (second: int) (known: KnownHosts) (push: Push') : Done * KnownHosts =
    let now = 1000 * second
    let plan = plan (Some(urlOf push.Host)) (retrying 1 0 0 >> integrity push.Mode)

    let rec go state input taken after =
        let struct (state, output) = Push.step state input

        match output with
        | Output.Put put ->
            let reply = respond (sentWith put.Digests) push.Answer
            go state (Input.Attempted(at (now + 1), 0.5, Outcome.Replied reply)) put.Digests after
        | Output.TakeDigests(algorithms, _) ->
            go state (Input.DigestsTaken(at (now + 2), digestsOf algorithms)) taken algorithms
        | Output.Done receipt -> state, taken, after, Ok receipt.Integrity
        | Output.Failed failure -> state, taken, after, Error failure.Kind
        | output -> failwithf "a push of one attempt with its URL given asked for %A" output

    let state, taken, after, ending =
        go (Push.createKnowing known plan) (Input.Started(at now, 3L)) [] []

    {
        Push = push
        Taken = taken
        TakenAfter = after
        End = ending
    },
    // As the driver keeps it.
    KnownHosts.merge known (Push.hosts state)

let private runAll (pushes: (int * Push') list) : Done list =
    (KnownHosts.none, pushes)
    ||> List.mapFold (fun known (second, push) -> run second known push)
    |> fst

let private pushes =
    let answer =
        let success =
            gen {
                let! isConfirming = Gen.elements [ true; true; false ]

                let! others =
                    Gen.subListOf (DigestAlgorithm.all |> List.except [ nvme; DigestAlgorithm.Sha256 ])

                let! few = Gen.elements [ []; others ]
                let! hasMd5Tag = Gen.elements [ true; false ]
                return Success((if isConfirming then nvme :: few else few), hasMd5Tag)
            }

        Gen.frequency [ 10, success; 1, Gen.constant Wrong; 1, Gen.constant Refusal ]

    let push =
        gen {
            let! host = Gen.elements hosts

            let! mode =
                Gen.frequency [
                    8, Gen.constant IntegrityMode.Verify
                    2, Gen.constant IntegrityMode.Require
                    1, Gen.constant IntegrityMode.Off
                ]

            let! answer = answer

            return {
                Host = host
                Mode = mode
                Answer = answer
            }
        }

    // Hosts mostly go on as they did, or leave the CRC-64/NVME out.
    let rec settle (last: Map<string, Answer>) (pushes: (int * Push') list) =
        match pushes with
        | [] -> []
        | (change, push) :: rest ->
            let push =
                match change, Map.tryFind push.Host last with
                | (0 | 1), Some answer -> { push with Answer = answer }
                | 2, Some(Success(reported, hasMd5Tag)) -> {
                    push with
                        Answer = Success(List.except [ nvme ] reported, hasMd5Tag)
                  }
                | _ -> push

            push :: settle (Map.add push.Host push.Answer last) rest

    Gen.choose (1, 12)
    |> Gen.bind (fun count -> Gen.listOfLength count (Gen.zip (Gen.choose (0, 3)) push))
    |> Gen.map (settle Map.empty >> List.indexed)

/// The digests that the last success of each push's host before it reported; `None` where it has had none.
let private lastReports (pushes: Push' list) =
    (Map.empty, pushes)
    ||> List.mapFold (fun last push ->
        let reported =
            match push.Answer with
            | Success(reported, _) -> Some(Set.ofList reported)
            | Wrong -> Some(Set.singleton nvme)
            | Refusal -> None

        Map.tryFind push.Host last,
        match reported with
        | Some reported -> Map.add push.Host reported last
        | None -> last)
    |> fst

/// The pushes in their order, each with what its host reported last.
let private withLast (pushes: (int * Push') list) =
    List.zip (runAll pushes) (lastReports (List.map snd pushes))

/// The end of the push if all digests had been taken in the pass that sends.
let private withAllTaken (push: Push') =
    let sent = sentWith DigestAlgorithm.all

    match push.Answer with
    | Refusal -> Error FailureKind.Refused
    | answer ->
        match Integrity.verdict (IntegrityTerms.ofMode push.Mode) (respond sent answer) sent with
        | IntegrityVerdict.Confirmed confirmation -> Ok confirmation.Name
        | IntegrityVerdict.Mismatch _ -> Error FailureKind.IntegrityMismatch
        | IntegrityVerdict.Missing -> Error FailureKind.Unverified
        | IntegrityVerdict.NotTaken algorithms -> failwithf "all were taken, but not %A" algorithms

let private reportsNvme (push: Push') =
    match push.Answer with
    | Success(reported, _) -> List.contains nvme reported
    | _ -> false

/// True if the push finds out that its host has stopped to confirm by CRC-64/NVME.
let private findsOut (one: Done) (last: Set<DigestAlgorithm> option) =
    last |> Option.exists (Set.contains nvme)
    && (match one.Push.Answer with
        | Success(reported, _) -> not (List.contains nvme reported)
        | _ -> false)

let private cases: Case<(int * Push') list> list =
    let any (isMet: Done -> Set<DigestAlgorithm> option -> bool) pushes =
        withLast pushes |> List.exists (fun (one, last) -> isMet one last)

    [
        "several hosts", (List.map (fun (_, push) -> push.Host) >> List.distinct >> List.length >> (<) 1)
        "a push that finds out", any findsOut
        "one that finds out by a reading after the response",
        any (fun one last -> findsOut one last && List.contains md5Of one.TakenAfter)
        "one that finds out, and is content with a weaker digest",
        any (fun one last -> findsOut one last && one.TakenAfter.IsEmpty && one.End <> withAllTaken one.Push)
        "a CRC-64/NVME in place of an MD5",
        any (fun one _ -> one.End = Ok "checksum-crc64nvme" && one.End <> withAllTaken one.Push)
        "a digest that a host reported last", any (fun one _ -> one.Taken.Length > 2)
        "a receipt that nothing confirms", any (fun one _ -> one.End = Ok "unverified")
        "a failure", any (fun one _ -> one.End.IsError)
    ]

[<Tests>]
let tests =
    testList "Pushes of one sink" [
        propertyTimes
            500
            "to one host take what they would take if there were no other host"
            pushes
            (fun pushes ->
                let all = runAll pushes

                for host in hosts do
                    Expect.equal
                        (all |> List.filter (fun one -> one.Push.Host = host))
                        (pushes |> List.filter (fun (_, push) -> push.Host = host) |> runAll)
                        host)

        propertyTimes
            500
            "take an MD5 unless the host's last success reported a CRC-64/NVME, and again once it does not"
            pushes
            (fun pushes ->
                for one, last in withLast pushes do
                    if not one.Push.Mode.IsOff then
                        Expect.equal
                            (List.contains md5Of one.Taken)
                            (not (last |> Option.exists (Set.contains nvme)))
                            $"%A{one.Push} after %A{last}"

                        Expect.contains one.Taken nvme "the CRC-64/NVME in any case"
                    else
                        Expect.isEmpty one.Taken "nothing but SHA-256")

        propertyTimes
            500
            "read the file again only if the host reports what it did not report last"
            pushes
            (fun pushes ->
                for one, last in withLast pushes do
                    let isExpected =
                        match last, one.Push.Answer with
                        | Some last, Success(reported, _) ->
                            Set.isSubset (Set.ofList reported) last && not (findsOut one (Some last))
                        | _ -> one.Push.Answer = Refusal

                    if isExpected then
                        Expect.isEmpty one.TakenAfter $"%A{one.Push} after %A{last}")

        propertyTimes
            500
            "are confirmed as with all digests, by CRC-64/NVME in place of the MD5, and weaker only once: in finding out"
            pushes
            (fun pushes ->
                for one, last in withLast pushes do
                    match withAllTaken one.Push, one.End with
                    | all, ending when all = ending -> ()
                    | Ok("content-md5" | "etag-md5"), Ok "checksum-crc64nvme" ->
                        Expect.isFalse (List.contains md5Of one.Taken) "the MD5 was not taken"
                        Expect.isTrue (reportsNvme one.Push) "the host confirms by CRC-64/NVME now"
                        Expect.isTrue (last |> Option.exists (Set.contains nvme)) "and did so last"
                    | Ok("content-md5" | "etag-md5"), Ok ending ->
                        Expect.isTrue (findsOut one last) "the one push that finds out"
                        Expect.notEqual ending "unverified" "another digest confirms"
                    | all, ending -> failtestf "%A: %A, with all digests %A" one.Push ending all)

        testCase "meet what the laws are about" (fun () -> expectShares (sample pushes) cases)
    ]
