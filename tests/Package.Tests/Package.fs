/// A package's files and what its nuspec says.
module Package.Tests.Package

open System
open System.IO
open System.IO.Compression
open System.Text
open System.Xml.Linq
open Expecto

/// All files of a package by their paths, without those that only the container format has.
let filesOf (path: string) : Map<string, byte[]> =
    use archive = ZipFile.OpenRead path

    archive.Entries
    |> Seq.map (fun entry ->
        use stream = entry.Open()
        use copy = new MemoryStream()
        stream.CopyTo copy
        entry.FullName, copy.ToArray())
    |> Map.ofSeq

let private metadataOf (files: Map<string, byte[]>) : XElement =
    let nuspec =
        files |> Map.toSeq |> Seq.find (fun (name, _) -> name.EndsWith ".nuspec") |> snd

    use stream = new MemoryStream(nuspec)
    let document = XDocument.Load stream

    (nonNull document.Root).Elements()
    |> Seq.find (fun it -> it.Name.LocalName = "metadata")

/// The text of an element of the nuspec's metadata, "" if it is not there.
let said (name: string) (files: Map<string, byte[]>) : string =
    (metadataOf files).Elements()
    |> Seq.tryFind (fun it -> it.Name.LocalName = name)
    |> Option.map _.Value
    |> Option.defaultValue ""

/// Name, version and target framework of each dependency.
let dependenciesOf (files: Map<string, byte[]>) : (string * string) list =
    let text (name: string) (it: XElement) =
        match it.Attribute(XName.Get name) with
        | null -> ""
        | found -> found.Value

    [
        for it in (metadataOf files).Descendants() do
            if it.Name.LocalName = "group" then
                Expect.equal (text "targetFramework" it) "net10.0" "the target framework"

            if it.Name.LocalName = "dependency" then
                text "id" it, text "version" it
    ]

let packageTypesOf (files: Map<string, byte[]>) : string list = [
    for it in (metadataOf files).Descendants() do
        if it.Name.LocalName = "packageType" then
            (nonNull (it.Attribute(XName.Get "name"))).Value
]

let textOf (name: string) (files: Map<string, byte[]>) : string =
    match files.TryFind name with
    | Some bytes -> Encoding.UTF8.GetString(bytes).TrimStart('\ufeff')
    | None -> failtest $"{name} is not in the package: {List.ofSeq files.Keys}"

/// Those of the given texts that the bytes hold, as UTF-8 or, like the texts in an assembly, as UTF-16.
let held (texts: string list) (bytes: byte[]) : string list =
    texts
    |> List.filter (fun text ->
        [ Encoding.UTF8; Encoding.Unicode ]
        |> List.exists (fun encoding -> bytes.AsSpan().IndexOf(ReadOnlySpan(encoding.GetBytes text)) >= 0))

/// The code of a package's page in the given language.
let codeOf (page: string) (language: string) : string list = [
    for found in
        RegularExpressions.Regex.Matches(
            page,
            $"```{language}\n(.*?)```",
            RegularExpressions.RegexOptions.Singleline
        ) -> found.Groups[1].Value
]
