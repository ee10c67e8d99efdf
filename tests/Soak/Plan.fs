/// What is exported: each artifact, its source, and through which URL it goes.
module Soak.Plan

open System
open CellOS.Export
open Soak.Sources

[<RequireQualifiedAccess>]
type Sink =
    | Plain
    /// Never overwrites.
    | Once
    /// Asks for a digest, and waits for nothing long.
    | Strict
    /// Takes a success without a mark of a store for one.
    | Lenient

[<RequireQualifiedAccess>]
type Url =
    | Fresh
    /// Signs the `Content-MD5` of the source.
    | WithMd5
    /// Expired an hour ago.
    | Expired
    /// The source of URLs fails.
    | Refused
    /// Signed for another object.
    | Elsewhere

type Item = {
    Index: int
    Sink: Sink
    Name: string
    Key: string
    Source: Source
    Url: Url
    /// Whether another object lies under its key already.
    IsTaken: bool
}

/// What lies under the keys that are taken.
let squatter = "somebody else's"

let cellOf (round: string) (sink: Sink) =
    match sink with
    | Sink.Plain -> $"%s{round}-plain"
    | Sink.Once -> $"%s{round}-once"
    | Sink.Strict -> $"%s{round}-%s{Faults.strictCell}"
    | Sink.Lenient -> $"%s{round}-%s{Faults.lenientCell}"

/// The key that `Url.Elsewhere` is signed for. Nothing may ever be stored there.
let elsewhereOf (item: Item) = $"{Faults.elsewhere}/{item.Name}"

/// The artifact of a name that `make` gave.
let indexOf (name: string) =
    Int32.Parse(name.AsSpan(name.Length - 10, 6))

let make (sources: Sources) (seed: int) (round: string) (count: int) : Item[] =
    Array.init count (fun i ->
        let random = Dice.about seed $"%s{round} %d{i}"

        let sink =
            Dice.pick random [ 74, Sink.Plain; 13, Sink.Once; 8, Sink.Strict; 5, Sink.Lenient ]

        let name =
            let folder = Dice.pick random [ 8, "logs/"; 1, ""; 1, "übung ☂/a+b & c/" ]
            $"%s{folder}%06d{i}.bin"

        let isTaken = sink = Sink.Once && random.Next 20 = 0

        let source =
            if isTaken then
                Whole(sources.Pick random)
            else
                Dice.pick random [
                    970, (fun () -> Whole(sources.Pick random))
                    5, (fun () -> sources.Missing)
                    5, (fun () -> sources.Link)
                    3, (fun () -> sources.AFolder)
                    17, (fun () -> sources.Changing($"%s{round}-%06d{i}", random))
                ]
                <| ()

        let url =
            match source with
            | Whole _ when not isTaken ->
                Dice.pick random [ 89, Url.Fresh; 9, Url.WithMd5; 1, Url.Expired; 1, Url.Elsewhere ]
                |> fun url -> if random.Next 300 = 0 then Url.Refused else url
            | _ -> Url.Fresh

        {
            Index = i
            Sink = sink
            Name = name
            Key = $"%s{cellOf round sink}/%s{name}"
            Source = source
            Url = url
            IsTaken = isTaken
        })

let artifact (item: Item) =
    ExportArtifact(item.Name, pathOf item.Source)
