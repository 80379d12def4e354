"""Documents in the shape of other tools, written for this suite."""

SPEC = """\
# Feature Specification: Seed Library

**Feature Branch**: `001-seed-library`
**Status**: Draft

## User Scenarios & Testing *(mandatory)*

### User Story 1 - Borrow a packet (Priority: P1)

A member takes a packet home and promises to bring seeds back.

**Why this priority**: Without it there is no library.

**Acceptance Scenarios**:

1. **Given** a packet on the shelf, **When** a member scans it, **Then** it is
   noted as lent.
2. **Given** an empty shelf, **When** a member searches, **Then** the shelf says so.

---

### User Story 2 - Return seeds (Priority: P3)

**Acceptance Scenarios**:

1. **Given** a lent packet, **When** seeds come back, **Then** the member is thanked.

### Edge Cases

- What if a packet is lost? It is written off.

## Requirements *(mandatory)*

### Functional Requirements

- **FR-001**: The library MUST lend a packet to a member,
  one packet at a time.
- **FR-002**: The library MUST remind members of [NEEDS CLARIFICATION: after how many days?].
  - by letter
  - by mail
- **FR-004a**: Members MUST see {{ what }} they hold.

### Key Entities

- **Packet**: Seeds of one kind.
- **Member**: Somebody with a card.

## Success Criteria *(mandatory)*

- **SC-001**: A packet is lent within 20 seconds.

## Assumptions

- FR-001's reader hangs beside the door.
"""

TASKS = """\
---
description: "Tasks of the seed library"
---

# Tasks: Seed Library

## Phase 1: Setup

- [X] T001 Create the shelf plan in `docs/shelf.md`
- [x] T002 [P] Print labels (depends on T001)

## Phase 2: User Story 1 - Borrow a packet (Priority: P1)

**Goal**: Packets can be lent.

- [ ] T003 [P] [US1] Write `lend.py`, used by T005; depends on T001,
  T002 for the labels.
- [ ] T004 [US1] Wire the reader after T001-T003
- [ ] T005 [US1] Show what is lent (needs T099)

## Notes

- [P] tasks touch different files.
- T004 mentions no other task.
"""

KIRO = """\
# Requirements Document

## Introduction

The greenhouse opens its windows by itself.

## Glossary

- **Window_Motor**: opens and closes a window
- **Probe**: measures the air

## Requirements

### Requirement 1: Windows open

**User Story:** As a gardener, I want windows to open when it is hot, so that nothing wilts.

#### Acceptance Criteria

1. WHEN the Probe reads more than 28 degrees, THE Window_Motor SHALL open the window
2. IF the motor is stuck, THEN THE Window_Motor SHALL ring the bell
   and try again

### Requirement 3

**User Story:** As a gardener, I want windows to close in the rain, so that seedlings stay dry.

#### Acceptance Criteria

1. WHILE it rains, THE Window_Motor SHALL keep the window closed

### Requirement 2.1: Power

**Priority:** High

THE Window_Motor SHALL run on 12 volts.
"""

KIRO_TASKS = """\
# Implementation Plan: Greenhouse

- [x] 1. Build the frame
  - [x] 1.1 Saw the wood
    - Use larch
    - _Requirements: 1.1, 1.2_
  - [ ] 1.2 Screw it together
    - _Requirements: 2.1_

- [-] 2. Mount the motor
- [ ] 2.1 Drill holes
  - _Requirements: 3.1_
- [ ]* 2.2 Write tests for the motor
  - **Validates: Requirements 3.1**
- [ ] 3. Connect the probe
  - _Depends: 1.2, 2_

## Notes

- Tasks with a star may be left out.
"""

OPENSPEC = """\
# watering Specification

## Purpose

Beds are watered.

## Requirements

### Requirement: Water at dawn

The system SHALL water every bed at dawn.

#### Scenario: A dry bed

- **WHEN** the sun rises
- **THEN** the bed is watered

#### Scenario: A wet bed

- **WHEN** the bed is wet
- **THEN** it is skipped

### Requirement: Count the water

The system SHALL count litres.

#### Scenario: A meter

- **WHEN** water runs
- **THEN** the meter turns
"""

DELTA = """\
## ADDED Requirements

### Requirement: Water at dusk

The system SHALL water at dusk.

#### Scenario: Dusk

- **WHEN** the sun sets
- **THEN** beds are watered

## REMOVED Requirements

### Requirement: Water at noon

**Reason**: It burns leaves.

## RENAMED Requirements

- FROM: `### Requirement: Count the water`
- TO: `### Requirement: Meter the water`
"""

PRD = """\
---
title: Compost
owner: somebody
---

# Product Requirements Document: Compost

## 1. Goals

- Less waste

## 2. Features

### Must have

- **Turning:** the heap is turned every week
  - by fork
- [x] Weighing the heap (P0)

### Could have

1. A lid

## 3. User Stories

As a neighbour, I want no smell, so that I can sit outside.

### Emptying the bin

As a gardener, I want to empty the bin, so that I can use the soil.

**Acceptance Criteria**:

- [ ] The bin is empty
- [ ] The lid is closed

## 4. Non-goals

- Worms

## 5. Reports

| Requirement | Priority | Acceptance criteria | Status |
|---|---|---|---|
| Show the temperature | High | Within a degree | Done |
| Show the age | Low | | Open |

## 6. Functional requirements

| Feature | Priority | Notes |
|---|---|---|
| Sieve | Should | fine \\| coarse |
"""

PRD_WITH_IDS = """\
# Bees PRD

## Functional Requirements

#### FR-1: Hives

- **FR-1.1**: Hives are painted
- **FR-1.2**: Hives are numbered

**REQ-7: Honey** (Priority: High)

- Honey is weighed

| ID | Requirement | Depends on |
|---|---|---|
| NFR-2 | Nothing stings | FR-1, FR-9 |

## Acceptance Criteria

- AC-1: A jar is full
"""

MARKDOWN = {
    "spec.md": SPEC,
    "tasks.md": TASKS,
    "requirements.md": KIRO,
    "kiro/tasks.md": KIRO_TASKS,
    "openspec/spec.md": OPENSPEC,
    "delta/spec.md": DELTA,
    "prd.md": PRD,
    "ids.md": PRD_WITH_IDS,
}
