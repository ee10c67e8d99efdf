// Laws of your own, held against values that FsCheck makes up: names that are odd but allowed, URLs, and whole pushes
// in which servers, clocks and networks misbehave. Copy it, and put your settings and your broker in.
//
//     ./build.sh
//     dotnet fsi samples/laws.fsx
//
//     Our pushes end within two minutes-Ok, passed 300 tests.
//     …

#r "../src/FsCheck/bin/Release/net10.0/FsCheck.dll"
#r "../src/FsCheck/bin/Release/net10.0/FsToolkit.ErrorHandling.dll"
#r "../src/FsCheck/bin/Release/net10.0/CellOS.Export.S3.Core.dll"
#r "../src/FsCheck/bin/Release/net10.0/CellOS.Export.S3.FsCheck.dll"

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators

let get (result: Result<'value, 'refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> failwithf "%A" refusal

/// A property that takes arguments of the core's types; one that does not hold ends the script.
let law (name: string) (property: 'property) =
    let config =
        Config.QuickThrowOnFailure.WithName(name).WithMaxTest(300).WithArbitrary [ typeof<Arbitraries> ]

    Check.One(config, property)

// What a host has settled: four attempts, doubling from half a second, and two minutes for all of it.

let ourTarget (url: PlantedUrl) = {
    Target.create
        (get (CellId.create "cell-42"))
        (get (Bucket.create "evidence"))
        (Some(get (UrlTemplate.parse url.Url))) with
        Retry =
            get (
                RetryPolicy.create
                    RetryMode.Exponential
                    4
                    (TimeSpan.FromSeconds 0.5)
                    (TimeSpan.FromSeconds 20.)
            )
        Limits = {
            Limits.defaults with
                Deadline = Some(TimeSpan.FromMinutes 2.)
        }
}

/// A push of ours: its settings are the host's, and what happens to it is chance.
let ourPushes =
    gen {
        let! url = Urls.presigned

        let plan =
            get (PushPlan.create (ourTarget url) (get (ArtifactName.create "events.jsonl")))

        return! Scripts.forPlan [ url ] plan
    }

/// A law of all of them. Where it does not hold, FsCheck looks for the shortest push that breaks it.
let lawOfPushes (name: string) (holds: Script -> Turn list -> bool) =
    Prop.forAll (Arb.fromGenShrink (ourPushes, Scripts.shrink)) (fun script ->
        holds script (Play.steadily script))
    |> law name

lawOfPushes "Our pushes end within two minutes" (fun _ turns ->
    (Play.ending turns).IsSome && Play.lasted turns <= TimeSpan.FromMinutes 2.)

lawOfPushes "Our pushes wait no longer than 20 s at a time" (fun _ turns ->
    Play.waits turns |> List.forall (fun wait -> wait <= TimeSpan.FromSeconds 20.))

lawOfPushes "What becomes of our pushes tells no secret, whatever a server echoes" (fun script turns ->
    let secrets = script.Urls |> List.collect _.Secrets

    let told =
        match Play.ending turns with
        | Some(Ok receipt) -> Receipt.toJson receipt
        | Some(Error failure) -> FailureReport.toJson (FailureReport.ofFailure failure)
        | None -> ""

    secrets |> List.forall (fun secret -> not (told.Contains secret)))

// What a broker has to keep: it gives a URL for each artifact of each cell, and that URL is for the key that the receipt
// will name. This one only writes the path; a real one signs.

let broker (cellId: CellId) (name: ArtifactName) =
    let escaped (text: string) =
        text.Split '/' |> Array.map Uri.EscapeDataString |> String.concat "/"

    $"https://evidence.s3.eu-central-1.amazonaws.com/{escaped (CellId.value cellId)}/{escaped (ArtifactName.value name)}"

law "Our broker's URLs are for the key that a receipt names" (fun (cellId: CellId) (name: ArtifactName) ->
    match ObjectKey.create KeyPrefix.none cellId name, RequestUrl.parse (broker cellId name) with
    | Ok key, Ok url ->
        let told = PresignedUrl.inspect url
        // A key with U+FFFD in it is not told: it may have been no text.
        told.Bucket = Some "evidence"
        && told.Key |> Option.forall ((=) (ObjectKey.value key))
    | Error _, _ -> true // longer than S3 allows: such an artifact is refused before a URL is asked for
    | _, Error _ -> false)
