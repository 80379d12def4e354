"""Small documents of other tools, written for the suite."""

TASKS = """{
  "master": {
    "tasks": [
      {"id": 1, "title": "Lay the keel", "description": "Oak.", "details": "Two planks.", "testStrategy": "It floats.",
       "priority": "high", "dependencies": [], "status": "done", "subtasks": []},
      {"id": 2, "title": "Raise the mast", "description": "Pine.", "priority": "medium", "dependencies": [1, "3.2"],
       "status": "pending",
       "subtasks": [{"id": 1, "title": "Fell a pine", "status": "done"},
                    {"id": 2, "title": "Trim it", "dependencies": [1], "status": "pending"}]},
      {"id": 3, "title": "Sew sails", "status": "in-progress", "dependencies": ["1"],
       "subtasks": [{"id": 1, "title": "Cut"}, {"id": 2, "title": "Stitch"}]},
      {"id": 4, "title": "Paint it pink", "status": "cancelled"}
    ],
    "metadata": {"created": "2026-01-01"}
  },
  "harbour": {"tasks": [{"id": 1, "title": "Dredge", "status": "pending"},
                        {"id": 2, "title": "Light a lamp", "dependencies": [1], "status": "pending"}]}
}
"""

NEEDS = """{
  "current_version": "2.0", "project": "Boat", "versions": {
    "1.0": {"needs": {"OLD_1": {"id": "OLD_1", "title": "old"}}},
    "2.0": {"created": "2026", "needs": {
      "R_1": {"id": "R_1", "type": "req", "title": "It floats", "content": "In salt water.", "status": "open",
              "links": ["EXT_9"], "tags": ["hull"], "docname": "index", "avatar": ""},
      "R_2": {"id": "R_2", "type": "spec", "title": "It steers", "description": "By wheel.", "status": null,
              "links": ["R_1", "R_3.part"], "docname": "index"},
      "R_3": {"id": "R_3", "type": "test", "title": "It sails", "status": "implemented", "links": ["R_2"],
              "docname": "index"}
    }}
  }
}
"""

SDOC = """\
[DOCUMENT]
TITLE: Boat
REQ_PREFIX: BO-

[GRAMMAR]
ELEMENTS:
- TAG: REQUIREMENT
  FIELDS:
  - TITLE: UID
    TYPE: String
    REQUIRED: True

[TEXT]
STATEMENT: >>>
All about a boat.
<<<

[[SECTION]]
TITLE: Hull

[REQUIREMENT]
UID: BO-1
STATUS: Active
PRIORITY: High
TITLE: Floating
STATEMENT: >>>
The boat shall float.

[LINK: BO-2] is another matter.
<<<
COMMENT: first
COMMENT: >>>
second
<<<
RELATIONS:
- TYPE: Parent
  VALUE: SYS-1
  ROLE: Refines
- TYPE: File
  VALUE: hull.c

[[REQUIREMENT]]
UID: BO-2
STATEMENT: The boat shall be dry.

[REQUIREMENT]
UID: BO-3
STATEMENT: The deck shall be dry.

[[/REQUIREMENT]]

[[/SECTION]]

[REQUIREMENT]
UID: BO-4
STATUS: Deleted
STATEMENT: The boat shall fly.
"""

OLD_SDOC = """\
[DOCUMENT]
TITLE: Boat

[FREETEXT]
Before all.
[/FREETEXT]

[SECTION]
LEVEL: 1
TITLE: Crew

[COMPOSITE_REQUIREMENT]
UID: C-1
STATEMENT: The crew shall eat.

[REQUIREMENT]
UID: C-2
STATEMENT: >>>
The crew shall eat fish.
<<<
REFS:
- TYPE: Parent
  VALUE: C-1

[/COMPOSITE_REQUIREMENT]

[/SECTION]
"""

REQIF = """<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd" xmlns:xhtml="http://www.w3.org/1999/xhtml">
 <THE-HEADER><REQ-IF-HEADER IDENTIFIER="h"><TITLE>Boat</TITLE></REQ-IF-HEADER></THE-HEADER>
 <CORE-CONTENT><REQ-IF-CONTENT>
  <DATATYPES><DATATYPE-DEFINITION-ENUMERATION IDENTIFIER="e" LONG-NAME="Prio"><SPECIFIED-VALUES>
    <ENUM-VALUE IDENTIFIER="e-hi" LONG-NAME="High"/></SPECIFIED-VALUES></DATATYPE-DEFINITION-ENUMERATION></DATATYPES>
  <SPEC-TYPES><SPEC-OBJECT-TYPE IDENTIFIER="t" LONG-NAME="Requirement"><SPEC-ATTRIBUTES>
    <ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a-id" LONG-NAME="ReqIF.ForeignID"/>
    <ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a-ch" LONG-NAME="ReqIF.ChapterName"/>
    <ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="a-tx" LONG-NAME="ReqIF.Text"/>
    <ATTRIBUTE-DEFINITION-ENUMERATION IDENTIFIER="a-pr" LONG-NAME="Priority"/>
    <ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a-ra" LONG-NAME="Rationale"/></SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>
   <SPEC-RELATION-TYPE IDENTIFIER="r-d" LONG-NAME="depends on"/>
   <SPEC-RELATION-TYPE IDENTIFIER="r-s" LONG-NAME="satisfies"/>
  </SPEC-TYPES>
  <SPEC-OBJECTS>
   <SPEC-OBJECT IDENTIFIER="o-2"><VALUES>
    <ATTRIBUTE-VALUE-STRING THE-VALUE="B-2"><DEFINITION><X-REF>a-id</X-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
    <ATTRIBUTE-VALUE-XHTML><DEFINITION><X-REF>a-tx</X-REF></DEFINITION><THE-VALUE><xhtml:div><xhtml:p>The boat
      shall <xhtml:b>steer</xhtml:b>:</xhtml:p><xhtml:ul><xhtml:li>left</xhtml:li><xhtml:li>right &amp; back</xhtml:li>
      </xhtml:ul></xhtml:div></THE-VALUE></ATTRIBUTE-VALUE-XHTML>
    <ATTRIBUTE-VALUE-STRING THE-VALUE="Rocks."><DEFINITION><X-REF>a-ra</X-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
   </VALUES><TYPE><SPEC-OBJECT-TYPE-REF>t</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>
   <SPEC-OBJECT IDENTIFIER="o-1"><VALUES>
    <ATTRIBUTE-VALUE-STRING THE-VALUE="B-1"><DEFINITION><X-REF>a-id</X-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
    <ATTRIBUTE-VALUE-XHTML><DEFINITION><X-REF>a-tx</X-REF></DEFINITION>
     <THE-VALUE><xhtml:p>The boat shall float.</xhtml:p></THE-VALUE></ATTRIBUTE-VALUE-XHTML>
    <ATTRIBUTE-VALUE-ENUMERATION><VALUES><ENUM-VALUE-REF>e-hi</ENUM-VALUE-REF></VALUES>
     <DEFINITION><X-REF>a-pr</X-REF></DEFINITION></ATTRIBUTE-VALUE-ENUMERATION>
   </VALUES><TYPE><SPEC-OBJECT-TYPE-REF>t</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>
   <SPEC-OBJECT IDENTIFIER="o-h"><VALUES>
    <ATTRIBUTE-VALUE-STRING THE-VALUE="Hull"><DEFINITION><X-REF>a-ch</X-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
   </VALUES><TYPE><SPEC-OBJECT-TYPE-REF>t</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>
  </SPEC-OBJECTS>
  <SPEC-RELATIONS>
   <SPEC-RELATION IDENTIFIER="1"><TYPE><R>r-d</R></TYPE>
    <SOURCE><R>o-2</R></SOURCE><TARGET><R>o-1</R></TARGET></SPEC-RELATION>
   <SPEC-RELATION IDENTIFIER="2"><TYPE><R>r-s</R></TYPE>
    <SOURCE><R>o-1</R></SOURCE><TARGET><R>o-2</R></TARGET></SPEC-RELATION>
  </SPEC-RELATIONS>
  <SPECIFICATIONS><SPECIFICATION IDENTIFIER="s" LONG-NAME="Spec"><CHILDREN>
   <SPEC-HIERARCHY IDENTIFIER="y"><OBJECT><SPEC-OBJECT-REF>o-h</SPEC-OBJECT-REF></OBJECT><CHILDREN>
    <SPEC-HIERARCHY IDENTIFIER="y"><OBJECT><SPEC-OBJECT-REF>o-1</SPEC-OBJECT-REF></OBJECT></SPEC-HIERARCHY>
    <SPEC-HIERARCHY IDENTIFIER="y"><OBJECT><SPEC-OBJECT-REF>o-2</SPEC-OBJECT-REF></OBJECT></SPEC-HIERARCHY>
   </CHILDREN></SPEC-HIERARCHY></CHILDREN></SPECIFICATION></SPECIFICATIONS>
 </REQ-IF-CONTENT></CORE-CONTENT>
</REQ-IF>
"""

DOORSTOP = {
    ".doorstop.yml": "settings:\n  digits: 3\n  prefix: BO\n  sep: '-'\n",
    "BO-001.yml": "active: true\nheader: |\n  Float\nlevel: 1.2\nnormative: true\nlinks:\n- SYS-1: abc\n"
    "text: |\n  It **shall** float.\nowner: me\n",
    "BO-002.yml": "active: true\nheader: ''\nlevel: 1.0\nnormative: false\ntext: |\n  Hull\n",
    "BO-003.yml": "active: false\nlevel: 1.3\nnormative: true\ntext: |\n  It shall fly.\n",
    "BO-004.md": "---\nactive: true\nlevel: 1.1\nnormative: true\nlinks: []\n---\n\n# Dry\n\nIt shall be dry.\n",
    "BO-010.yml": "level: '1.10'\ntext: Last of all.\n",
    "notes.yml": "nothing: here\n",
    "inner/.doorstop.yml": "settings: {prefix: IN}\n",
    "inner/IN1.yml": "text: another document\n",
}

CSV = """\
Boat requirements,,,,,,
Req ID,Name,Description,Priority,Status,Depends On,Acceptance Criteria,Owner
B-1,Float,"It shall ""float"",
in salt water",P1 - High,Approved,,"- stays up
- stays dry",Ann
B-2,Steer,It shall steer,Low,Implemented,"B-1; B-9",,
,Deck,,,,,,
B-3,Fly,It shall fly,,Rejected,,,
"""

TOML = """\
constraints = ["no lead"]

[project]
name = "Boat" # ours

[[requirements]]
id = "B-1"
title = 'Float'
"priority" = "high"
acceptance = [{ run = "pytest -q" }]

[[requirements]]
description = \"\"\"
It shall
steer\"\"\"
depends_on = ["B-1"]
done = true
"""
